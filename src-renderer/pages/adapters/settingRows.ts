/** The settings of several adapters side by side, in words. */
import type { Setting } from '../../lib/api.ts';
import { formatSmall } from '../../lib/format.ts';

export interface SettingRow {
  key: string;
  label: string;
  /** In the order of the adapters; a dash where one has no such setting. */
  values: string[];
  differs: boolean;
}

const NONE = '–';

/** One row per setting that any of them has. */
export function settingRows(each: readonly (readonly Setting[])[]): SettingRow[] {
  const maps = each.map((settings) => new Map(settings.map(({ key, value }) => [key, value])));
  const keys = [...new Set(each.flatMap((settings) => settings.map(({ key }) => key)))];
  return keys.map((key) => {
    const raw = maps.map((map) => map.get(key));
    return {
      key,
      label: settingLabel(key),
      values: raw.map((value) => settingText(key, value)),
      differs: new Set(raw).size > 1,
    };
  });
}

/** A value as a person reads it, a hash shortened. */
export function settingText(key: string, value: Setting['value'] | undefined): string {
  if (value === undefined || value === '') return NONE;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return formatSmall(value);
  return key.endsWith('hash') ? value.slice(0, 12) : value;
}

const LABELS: Record<string, string> = {
  'base.hash': 'Base (hash)',
  'base.dtype': 'Base kept as',
  engine: 'Engine',
  'data.file': 'Data file',
  'data.hash': 'Data (hash)',
  'data.lossOn': 'Loss on',
  'data.maxLength': 'Max length',
  'data.format': 'Data format',
  'data.allowBadRows': 'Bad rows left out',
  'data.classify': 'Classification',
  'data.version': 'Data version',
  'data.excludeLines': 'Excluded rows',
  'method.type': 'Method',
  'method.rank': 'Rank',
  'method.alpha': 'Alpha',
  'method.dropout': 'Dropout',
  'method.targets': 'Target modules',
  'method.layers': 'Layers',
  'method.init': 'Initialisation',
  'method.rslora': 'rsLoRA',
  'method.dora': 'DoRA',
  'method.bias': 'Biases',
  'method.loraPlusRatio': 'LoRA+ ratio',
  'method.factor': 'Factor',
  'method.kind': 'Kind',
  'method.bottleneck': 'Bottleneck',
  'method.skipLayers': 'Skipped layers',
  'method.prefixLength': 'Prefix length',
  'method.infixLength': 'Infix length',
  'train.steps': 'Steps',
  'train.epochs': 'Epochs',
  'train.batch': 'Batch',
  'train.accumulate': 'Accumulation',
  'train.packing': 'Packing',
  'train.bucketing': 'Bucketing',
  'train.lr': 'Learning rate',
  'train.schedule': 'Schedule',
  'train.warmup': 'Warm-up',
  'train.beta1': 'Beta 1',
  'train.beta2': 'Beta 2',
  'train.eps': 'Epsilon',
  'train.weightDecay': 'Weight decay',
  'train.weightDecayOn': 'Weight decay on',
  'train.clip': 'Gradient clipping',
  'train.labelSmoothing': 'Label smoothing',
  'train.neftune': 'NEFTune',
  'train.gradientCheckpointing': 'Gradient checkpointing',
  'train.val': 'Validation share',
  'train.seed': 'Seed',
  'train.evalEvery': 'Validate every',
  'train.checkpointEvery': 'Checkpoint every',
  'train.patience': 'Patience',
  'train.minDelta': 'Least improvement',
  'train.keepBest': 'Keep the best',
  'train.samplePrompts': 'Sample prompts',
  'train.sampleTokens': 'Sample tokens',
  'train.maxBadSteps': 'Bad steps allowed',
  'train.memoryLimitBytes': 'Memory limit (bytes)',
};

/** `train.lr` is "Learning rate"; `method.rankPattern.3.q` is "Rank of 3.q". */
export function settingLabel(key: string): string {
  const [, kind, place] = /^method\.(rank|alpha)Pattern\.(.+)$/.exec(key) ?? [];
  if (kind && place) return `${kind === 'rank' ? 'Rank' : 'Alpha'} of ${place}`;
  return LABELS[key] ?? key.slice(key.indexOf('.') + 1);
}
