/** Attaching a method's trainable parameters to a model, and writing what they have become. */
import type { BaseModel } from '../basemodel/baseModel.ts';
import { modelNameOf } from '../basemodel/folderName.ts';
import type { GraftAdapterInfo } from '../adapters/graftInfo.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import type { Parameter } from '../engine/model/parameters.ts';
import type { MethodSettings } from '../../src-shared/methods/registry.ts';
import type { DatasetKind } from '../../src-shared/datasets.ts';
import type { KeptTemplate } from '../../src-shared/promptTemplates.ts';
import type { EndToken } from '../../src-shared/tokens.ts';
import type { StartRequest, Written } from './method.ts';
import { methodOf } from './registry.ts';
import { withTargets } from './targets.ts';

/** What a run says about its method, and where and as what the result is saved. */
export interface AttachedRun {
  runId: string;
  task: string;
  outDir: string;
  method: MethodSettings;
  train: { seed: number };
}

export interface AttachedMethod {
  /** The model with the method's adapter. */
  model: Decoder;
  parameters: Parameter[];
  /** Called before the forward pass of a training micro-batch; `place` names it uniquely within the run. */
  beforeTraining(place: string): void;
  /** Factor on the learning rate of one parameter; absent: 1 for all. */
  lrScaleOf?(parameter: Parameter): number;
  /** Called before evaluation. */
  beforeEvaluation(): void;
  /** Writes the result folder (by default the run's own), which must not exist yet, whole or not at all. */
  save(outDir?: string): Promise<Written>;
}

interface Taught {
  endTokens?: EndToken[];
  kind?: Exclude<DatasetKind, 'preference'>;
  promptTemplate?: KeptTemplate;
}

/**
 * labels: the classes of a run that classifies texts, which then trains a head along. endTokens: those that its rows
 * teach as the end of an answer. kind: of its rows. promptTemplate: how their questions are put. probe, kept: for
 * methods that start from the data; absent where nothing is trained.
 */
export async function attachMethod(
  model: Decoder,
  run: AttachedRun,
  base: BaseModel,
  { labels, endTokens = [], kind, promptTemplate, probe, kept }: Omit<StartRequest, 'seed'> & Taught = {},
): Promise<AttachedMethod> {
  const settings = withTargets(model.spec, run.method);
  const method = methodOf(settings.type);
  const training = await method.create(model, settings, { seed: run.train.seed, labels, probe, kept });
  return {
    model: model.with(training.adapter),
    parameters: training.adapter.parameters(),
    beforeTraining: (place) => training.beforeTraining?.(place),
    beforeEvaluation: () => training.beforeEvaluation?.(),
    ...(training.lrScaleOf ? { lrScaleOf: (parameter: Parameter) => training.lrScaleOf!(parameter) } : {}),
    save: async (outDir = run.outDir) => {
      const result = (await training.result?.()) ?? { adapter: training.adapter, settings };
      const rows = kind === undefined ? {} : { rows: kind };
      const template = promptTemplate ? { promptTemplate } : {};
      const graft = { ...graftInfo(run, result.settings, base, labels), endTokens, ...rows, ...template };
      return method.save(outDir, result.adapter, result.settings, base, graft);
    },
  };
}

function graftInfo(run: AttachedRun, method: MethodSettings, base: BaseModel, labels?: string[]): GraftAdapterInfo {
  return {
    format: 1,
    baseHash: base.hash,
    baseName: modelNameOf(base.origin),
    task: run.task,
    runId: run.runId,
    method,
    ...(labels ? { labels } : {}),
    createdAt: new Date().toISOString(),
  };
}
