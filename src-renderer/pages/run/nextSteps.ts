/** What helps most when a run has failed, worked out from the code of its error. */
import type { RunView, StartRun } from '../../lib/api.ts';
import { startOf } from '../../lib/runs/startOf.ts';
import type { RunVerdict } from '../../../src-shared/verdict.ts';
import { counted } from '../../../src-shared/plural.ts';
import { hashFor } from '../../../src-shared/routes.ts';

type Train = NonNullable<StartRun['train']>;
type Data = NonNullable<StartRun['data']>;

/** Settings that differ when the run is started again. */
export interface Changes {
  train?: Partial<Train>;
  data?: Partial<Data>;
}

export type NextStep =
  /** Resumes from the newest saved state. */
  | { kind: 'resume'; label: string }
  | { kind: 'again'; label: string; changes: Changes }
  | { kind: 'open'; label: string; href: string };

/** What helps after the verdict on a run that has ended. */
export type VerdictStep =
  | { kind: 'again'; label: string; changes: Changes }
  /** Trains it further from where it ended, by so many steps. */
  | { kind: 'extend'; label: string; steps: number };

/** Undefined: nothing that a button could do. `canExtend`: the state of its end has been kept. */
export function verdictStep(
  { kind, bestStep }: RunVerdict,
  { spec, started }: Pick<RunView, 'spec' | 'started'>,
  canExtend: boolean,
): VerdictStep | undefined {
  const { lr, steps, epochs = 1 } = spec.train;
  const again = (label: string, train: Partial<Train>): VerdictStep => ({ kind: 'again', label, changes: { train } });
  const scaled = (factor: number): number => Number((lr * factor).toPrecision(3));
  if (kind === 'diverged') return again(`Start again with learning rate ${scaled(0.1)}`, { lr: scaled(0.1) });
  if (kind === 'both fall') return again(`Start again with learning rate ${scaled(0.3)}`, { lr: scaled(0.3) });
  if (kind === 'learnt nothing') return again(`Start again with learning rate ${scaled(5)}`, { lr: scaled(5) });
  if (kind === 'overfits' && bestStep !== undefined && !spec.train.keepBest)
    return again('Start again, keeping the best values', { keepBest: true });
  if (kind !== 'still improving') return undefined;
  const total = steps ?? started?.totalSteps;
  if (canExtend && total !== undefined) {
    const more =
      steps === undefined
        ? counted(epochs, ['more epoch', 'more epochs'])
        : counted(steps, ['more step', 'more steps']);
    return { kind: 'extend', label: `Train ${more} from here`, steps: total };
  }
  return steps === undefined
    ? again(`Train ${2 * epochs} epochs`, { epochs: 2 * epochs })
    : again(`Train ${2 * steps} steps`, { steps: 2 * steps });
}

/**
 * Most useful first, two at most. `checkpoint`: the step of the newest saved state, where known.
 */
export function nextSteps(run: RunView, checkpoint: number | undefined): NextStep[] {
  const steps: NextStep[] = [];
  const cure = cureOf(run);
  if (cure) steps.push(cure);
  if (run.resumable)
    steps.push({ kind: 'resume', label: checkpoint === undefined ? 'Resume' : `Resume from step ${checkpoint}` });
  else if (cure?.kind !== 'again') steps.push({ kind: 'again', label: 'Start again', changes: {} });
  return steps;
}

/** What is mended on the target itself, or in how Graft reaches it. */
const OF_THE_TARGET = ['HOST_KEY_CHANGED', 'HOST_UNKNOWN', 'TARGET_NOT_READY', 'NO_ENGINE', 'ENGINE_UNAVAILABLE'];

function cureOf({ error, spec, modelId, datasetId, away }: RunView): NextStep | undefined {
  const code = error?.code ?? '';
  if (away && OF_THE_TARGET.includes(code))
    return { kind: 'open', label: 'See the other machines', href: hashFor('settings') };
  if (code === 'OUT_OF_MEMORY') return lessMemory(spec);
  if (code === 'MEMORY_LIMIT' || code === 'GPU_OUT_OF_MEMORY')
    return spec.train.batch > 1 ? halfBatch(spec.train.batch) : lessMemory(spec);
  if (code === 'LOSS_NOT_FINITE') {
    const lr = Number((spec.train.lr / 10).toPrecision(3));
    return { kind: 'again', label: `Start again with learning rate ${lr}`, changes: { train: { lr } } };
  }
  const place = placeOf(error?.details);
  if (code === 'MODEL_CHANGED' || code.startsWith('CHECKPOINT_') || place?.startsWith(spec.model.dir)) {
    // the model has been relocated since
    if (place !== undefined && !place.startsWith(spec.model.dir)) return undefined;
    return { kind: 'open', label: 'Relocate the model', href: hashFor('models', modelId ?? undefined) };
  }
  if (code.startsWith('DATASET_') || place?.startsWith(spec.data.file))
    return { kind: 'open', label: 'See the dataset', href: hashFor('datasets', datasetId ?? undefined) };
  if (code === 'DISK_FULL' && !away) return { kind: 'open', label: 'Free some space', href: hashFor('settings') };
  if (code === 'NO_ENGINE' || code === 'ENGINE_UNAVAILABLE')
    return { kind: 'open', label: 'See the engines', href: hashFor('settings') };
  return undefined;
}

function halfBatch(batch: number): NextStep {
  return {
    kind: 'again',
    label: 'Start again with half the batch',
    changes: { train: { batch: Math.floor(batch / 2) } },
  };
}

/** Not even one row fitted at a time: a smaller batch would not help. */
function lessMemory({ train, data }: RunView['spec']): NextStep {
  if (!train.gradientCheckpointing)
    return {
      kind: 'again',
      label: 'Start again with gradient checkpointing',
      changes: { train: { gradientCheckpointing: true } },
    };
  return {
    kind: 'again',
    label: 'Start again with half the maximum length',
    changes: { data: { maxLength: Math.max(2, Math.floor(data.maxLength / 2)) } },
  };
}

/** The file or folder that an error is about. */
function placeOf(details: Record<string, unknown> | undefined): string | undefined {
  return [details?.['path'], details?.['dir'], details?.['file']].find((place) => typeof place === 'string');
}

/** The request that starts the same run once more; undefined where its model or dataset has left the catalogue. */
export function startAgain(
  { spec, name, modelId, datasetId, away }: RunView,
  { train, data }: Changes = {},
): StartRun | undefined {
  if (!modelId || !datasetId) return undefined;
  const { version, lossOn, maxLength, controlTokens, classify, excludeLines } = spec.data;
  const { promptTemplate, ownTemplate } = spec.data;
  return {
    modelId,
    datasetId,
    datasetVersion: version,
    taskName: spec.task,
    name,
    ...(away ? { target: away.target } : {}),
    engine: spec.engine,
    baseDtype: spec.baseDtype,
    embeddingDtype: spec.embeddingDtype,
    method: spec.method,
    objective: spec.objective,
    startsFrom: startOf(spec),
    train: { ...spec.train, ...train },
    data: { lossOn, maxLength, controlTokens, classify, excludeLines, promptTemplate, ownTemplate, ...data },
  };
}
