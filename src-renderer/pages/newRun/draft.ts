/** Everything a new run is set up with, as plain data that the browser keeps between visits. */
import { LOSS_DEFAULTS } from '../../../src-shared/settings/data.ts';
import { TRAIN_DEFAULTS } from '../../../src-shared/settings/training.ts';
import type { RunView, StartRun } from '../../lib/api.ts';
import type { Excluded } from './dataVersion.ts';
import { usualTargets, columns, type Shape } from './matrices.ts';
import type { Preset } from '../../lib/runs/presets.ts';

type Method = StartRun['method'];
export type MethodType = Method['type'];
export type Lora = Extract<Method, { type: 'lora' }>;
type Adapter = Extract<Method, { type: 'adapter' }>;
type Prefix = Extract<Method, { type: 'prefix' }>;
export type Train = NonNullable<StartRun['train']>;

export const STEPS = ['model', 'data', 'method', 'schedule', 'review'] as const;
export type Step = (typeof STEPS)[number];
export const STEP_NAMES: Record<Step, string> = {
  model: 'Model',
  data: 'Data',
  method: 'Method & targets',
  schedule: 'Schedule',
  review: 'Review',
};

/** Raised when the form of a draft changes; one of another version is not read. */
export const VERSION = 1;

export interface Draft {
  version: number;
  step: Step;
  modelId: string;
  datasetId: string;
  /** Version of the dataset that the run is to train on. */
  datasetVersion: number | undefined;
  /** Null: every row is trained on. */
  excluded: Excluded | null;
  /** Empty: named after the data. */
  taskName: string;
  name: string;
  engine: NonNullable<StartRun['engine']>;
  baseDtype: NonNullable<StartRun['baseDtype']>;
  method: MethodType;
  rank: number | undefined;
  alpha: number | undefined;
  /** Adapted matrices (`3.q`). */
  chosen: string[];
  /** Ranks of single matrices. */
  ranks: Record<string, number>;
  alphaPattern: Record<string, number>;
  dropout: number | undefined;
  rslora: boolean;
  dora: boolean;
  bias: NonNullable<Lora['bias']>;
  loraPlusRatio: number | undefined;
  init: NonNullable<Lora['init']>;
  factor: number | undefined;
  adapterKind: NonNullable<Adapter['kind']>;
  bottleneck: number | undefined;
  skipLayers: number | undefined;
  prefixKind: NonNullable<Prefix['kind']>;
  prefixLength: number | undefined;
  infixLength: number | undefined;
  /** Of full fine-tuning: undefined trains all. */
  topLayers: number | undefined;
  preset: Preset | 'custom';
  lengthIn: 'steps' | 'epochs';
  train: Train;
  lossOn: 'completion' | 'all';
  maxLength: number | undefined;
  classify: boolean;
}

/** Of the sample prompts nothing is said: while the user has written none, the dataset's own are taken. */
const { samplePrompts: _samplePrompts, ...TRAIN_USUAL } = TRAIN_DEFAULTS;

export function freshDraft(): Draft {
  return {
    version: VERSION,
    step: 'model',
    modelId: '',
    datasetId: '',
    datasetVersion: undefined,
    excluded: null,
    taskName: '',
    name: '',
    engine: 'auto',
    baseDtype: 'f32',
    method: 'lora',
    rank: 8,
    alpha: 16,
    chosen: [],
    ranks: {},
    alphaPattern: {},
    dropout: 0,
    rslora: false,
    dora: false,
    bias: 'none',
    loraPlusRatio: undefined,
    init: 'kaiming',
    factor: undefined,
    adapterKind: 'houlsby',
    bottleneck: 16,
    skipLayers: 0,
    prefixKind: 'key-value',
    prefixLength: 8,
    infixLength: 0,
    topLayers: undefined,
    preset: 'balanced',
    lengthIn: 'epochs',
    train: { ...TRAIN_USUAL, steps: 100 },
    ...LOSS_DEFAULTS,
    classify: false,
  };
}

/** The matrices kept for another model, for this one: the same targets in every layer, else the usual ones. */
export function cellsForModel(before: Shape | undefined, chosen: readonly string[], now: Shape): string[] {
  const set = new Set(chosen);
  const targets =
    before?.targets.filter(
      (target) => now.targets.includes(target) && columns(before, [target]).every((cell) => set.has(cell)),
    ) ?? [];
  return columns(now, targets.length > 0 ? targets : usualTargets(now.targets));
}

/** The settings of an earlier run's method; `cells` and `layers` must be those of its model. */
export function methodFields(
  method: Method,
  cells: { chosen: string[]; ranks: Record<string, number> },
  layers: number,
): Partial<Draft> {
  switch (method.type) {
    case 'lora': {
      const {
        rank = 8,
        alpha = 16,
        dropout = 0,
        rslora = false,
        dora = false,
        bias = 'none',
        loraPlusRatio,
        init = 'kaiming',
        alphaPattern = {},
      } = method;
      return { method: 'lora', rank, alpha, dropout, rslora, dora, bias, loraPlusRatio, init, alphaPattern, ...cells };
    }
    case 'lokr':
      return { method: 'lokr', rank: method.rank, alpha: method.alpha, factor: method.factor, ...cells };
    case 'loha':
      return { method: 'loha', rank: method.rank, alpha: method.alpha, ...cells };
    case 'full':
      return { method: 'full', topLayers: method.layers ? layers - Math.min(...method.layers) : undefined };
    case 'bitfit':
      return { method: 'bitfit' };
    case 'adapter':
      return {
        method: 'adapter',
        adapterKind: method.kind ?? 'houlsby',
        bottleneck: method.bottleneck,
        skipLayers: method.skipLayers,
      };
    case 'prefix':
      return {
        method: 'prefix',
        prefixKind: method.kind ?? 'key-value',
        prefixLength: method.prefixLength,
        infixLength: method.infixLength,
      };
    default:
      return method satisfies never;
  }
}

/** Everything but the model and the method that an earlier run was started with. */
export function runFields({ name, spec, datasetId }: Pick<RunView, 'name' | 'spec' | 'datasetId'>): Partial<Draft> {
  const { data, train, task, engine, baseDtype = 'f32' } = spec;
  const { version, excludeLines = [] } = data;
  return {
    datasetId: datasetId ?? '',
    datasetVersion: version,
    excluded: version !== undefined && excludeLines.length > 0 ? { version, lines: [...excludeLines] } : null,
    taskName: task,
    name: name === task ? '' : name,
    engine,
    baseDtype,
    lossOn: data.lossOn,
    maxLength: data.maxLength,
    classify: data.classify ?? false,
    preset: 'custom',
    lengthIn: train.steps === undefined ? 'epochs' : 'steps',
    train: { ...train },
  };
}
