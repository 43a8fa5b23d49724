/** The request that a draft stands for. */
import type { StartRun } from '../../lib/api.ts';
import type { Draft } from './draft.ts';

interface Parts {
  version: { number: number | undefined; excludedLines: number[] };
  taskName: string;
  samplePrompts: readonly string[];
  method: StartRun['method'];
  objective?: StartRun['objective'];
}

/** What the router's schema checks; an empty number box is left to the schema's default. */
export function requestOf(draft: Draft, { version, taskName, samplePrompts, method, objective }: Parts): StartRun {
  const { steps, epochs, ...train } = draft.train;
  return {
    modelId: draft.modelId,
    datasetId: draft.datasetId,
    datasetVersion: version.number,
    taskName,
    ...(draft.name.trim() ? { name: draft.name.trim() } : {}),
    ...(draft.target ? { target: draft.target } : {}),
    engine: draft.engine,
    ...(draft.baseDtype === 'f32' ? {} : { baseDtype: draft.baseDtype }),
    ...(draft.embeddingDtype === 'f32' ? {} : { embeddingDtype: draft.embeddingDtype }),
    method,
    ...(objective ? { objective } : {}),
    ...(draft.startsFrom ? { startsFrom: draft.startsFrom } : {}),
    train: {
      ...train,
      // Means nothing where answers are compared, and is not shown then, as what follows.
      ...(objective ? { labelSmoothing: 0 } : {}),
      samplePrompts: samplePrompts.filter((prompt) => prompt.trim() !== ''),
      ...(draft.lengthIn === 'steps' ? { steps } : { epochs }),
    },
    data: {
      maxLength: draft.maxLength,
      lossOn: objective ? 'completion' : draft.lossOn,
      ...(draft.classify && !objective ? { classify: true } : {}),
      ...(draft.promptTemplate === 'auto' ? {} : { promptTemplate: draft.promptTemplate }),
      ...(draft.promptTemplate === 'own' ? { ownTemplate: draft.ownTemplate } : {}),
      ...(draft.controlTokens ? { controlTokens: true } : {}),
      ...(version.excludedLines.length > 0 ? { excludeLines: version.excludedLines } : {}),
    },
  };
}
