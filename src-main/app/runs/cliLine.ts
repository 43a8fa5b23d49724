/** The command line that starts the same run as the app would: only what differs from the defaults is named. */
import type { RegisteredModel } from '../../catalog/models.ts';
import type { Dataset } from '../../catalog/datasets.ts';
import type { StartRunChecked } from './input.ts';
import type { MethodSettings } from '../../../src-shared/methodSettings.ts';
import { type TrainSettings, trainSettingsSchema } from '../../../src-shared/settings/training.ts';

type Value = string | number | boolean | undefined;
type Named = [option: string, value: Value];

interface Names {
  model: Pick<RegisteredModel, 'dir'>;
  dataset: Pick<Dataset, 'file' | 'format' | 'map' | 'allowBadRows'>;
}

/** For a POSIX shell, in the folder of Graft. */
export function cliLine(run: StartRunChecked, names: Names): string {
  return ['npm run graft -- train', ...cliArguments(run, names).map(quote)].join(' ');
}

/** The same as separate arguments. */
export function cliArguments(run: StartRunChecked, { model, dataset }: Names): string[] {
  const named: Named[] = [
    ['model', model.dir],
    ['data', dataset.file],
    ['format', dataset.format ?? undefined],
    ...Object.entries(dataset.map).map(([wanted, inFile]): Named => ['map', `${wanted}=${inFile}`]),
    ['allow-bad-rows', dataset.allowBadRows],
    ['task', run.taskName],
    ['name', run.name],
    ...methodOptions(run.method),
    ...trainOptions(run.train),
    ['max-length', unless(run.data.maxLength, 256)],
    ['loss-on', unless(run.data.lossOn, 'completion')],
    ['exclude-lines', rangesText(run.data.excludeLines)],
    ['classify', run.data.classify],
    ['engine', unless(run.engine, 'auto')],
    ['base-dtype', run.baseDtype],
  ];
  return named.flatMap(([option, value]) => written(option, value));
}

function written(option: string, value: Value): string[] {
  if (value === undefined || value === false) return [];
  if (value === true) return [`--${option}`];
  // A value that begins with a dash would be read as an option.
  const text = String(value);
  return text.startsWith('-') ? [`--${option}=${text}`] : [`--${option}`, text];
}

function methodOptions(method: MethodSettings): Named[] {
  switch (method.type) {
    case 'lora':
      return [
        ...lowRank(method),
        ['rank-pattern', patternText(method.rankPattern)],
        ['alpha-pattern', patternText(method.alphaPattern)],
        ['rslora', method.rslora],
        ['dora', method.dora],
        ['bias', method.bias],
        ['lora-plus-ratio', method.loraPlusRatio],
        ['init', unless(method.init, 'kaiming')],
        ['dropout', unless(method.dropout, 0)],
      ];
    case 'lokr':
      return [['method', 'lokr'], ...lowRank(method), ['factor', method.factor]];
    case 'loha':
      return [['method', 'loha'], ...lowRank(method)];
    case 'full':
      return [
        ['method', 'full'],
        ['layers', method.layers?.join(',')],
      ];
    case 'bitfit':
      return [['method', 'bitfit']];
    case 'adapter':
      return [
        ['method', 'adapter'],
        ['kind', method.kind],
        ['bottleneck', method.bottleneck],
        ['skip-layers', unless(method.skipLayers, 0)],
      ];
    case 'prefix':
      return [
        ['method', 'prefix'],
        ['kind', method.kind],
        ['prefix-length', method.prefixLength],
        ['infix-length', unless(method.infixLength, 0)],
      ];
    default:
      return method satisfies never;
  }
}

function lowRank({ rank, alpha, targets, layers, exclude }: Extract<MethodSettings, { rank: number }>): Named[] {
  return [
    ['rank', rank],
    ['alpha', alpha],
    ['targets', targets.join(',')],
    ['layers', layers?.join(',')],
    ['exclude', exclude?.join(',')],
  ];
}

function patternText(pattern: Record<string, number> | undefined): string | undefined {
  const entries = Object.entries(pattern ?? {});
  return entries.length > 0 ? entries.map(([name, value]) => `${name}=${value}`).join(',') : undefined;
}

/** `7,12-15`. */
function rangesText(numbers: readonly number[] = []): string | undefined {
  const ranges: [first: number, last: number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const before = ranges.at(-1);
    if (before && number <= before[1] + 1) before[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',') || undefined;
}

const DEFAULTS = trainSettingsSchema.parse({});
const MIB = 2 ** 20;

function trainOptions(train: TrainSettings): Named[] {
  const named = (Object.keys(TRAIN_NAMES) as (keyof typeof TRAIN_NAMES)[]).map((field): Named => [
    TRAIN_NAMES[field],
    unless(train[field], DEFAULTS[field]),
  ]);
  const samples = train.samplePrompts.map((prompt): Named => ['sample', prompt]);
  return [
    ...named,
    ...samples,
    ['sample-tokens', unless(train.sampleTokens, DEFAULTS.sampleTokens)],
    [
      'memory-limit',
      train.memoryLimitBytes === undefined ? undefined : Math.max(1, Math.round(train.memoryLimitBytes / MIB)),
    ],
  ];
}

/** Option of each setting. */
const TRAIN_NAMES = {
  steps: 'steps',
  epochs: 'epochs',
  batch: 'batch',
  accumulate: 'accumulate',
  packing: 'packing',
  bucketing: 'bucketing',
  lr: 'lr',
  schedule: 'schedule',
  warmup: 'warmup',
  beta1: 'beta1',
  beta2: 'beta2',
  eps: 'eps',
  weightDecay: 'weight-decay',
  weightDecayOn: 'weight-decay-on',
  clip: 'clip',
  labelSmoothing: 'label-smoothing',
  neftune: 'neftune',
  gradientCheckpointing: 'gradient-checkpointing',
  val: 'val',
  seed: 'seed',
  evalEvery: 'eval-every',
  checkpointEvery: 'checkpoint-every',
  maxBadSteps: 'max-bad-steps',
  patience: 'patience',
  minDelta: 'min-delta',
  keepBest: 'keep-best',
} as const satisfies Partial<Record<keyof TrainSettings, string>>;

function unless<T extends Value>(value: T, usual: T): T | undefined {
  return value === usual ? undefined : value;
}

/** One word of a POSIX shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
