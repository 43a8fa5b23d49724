/**
 * Which adapters of the catalogue a page shows, and in what order. Pure functions of the list and what the address
 * says.
 */
import type { AdapterView, Setting } from '../../lib/api.ts';
import { formatSmall } from '../../lib/format.ts';

export const SORTS = ['newest', 'loss', 'size', 'name'] as const;
export type Sort = (typeof SORTS)[number];

export const SORT_NAMES: Record<Sort, string> = {
  newest: 'Newest first',
  loss: 'Lowest validation loss',
  size: 'Smallest first',
  name: 'Name',
};

export interface ListView {
  /** Words that all must occur. */
  text: string;
  sort: Sort;
  /** Empty: any. */
  tag: string;
  /** One list instead of one per task. */
  flat: boolean;
}

type Listed = Pick<
  AdapterView,
  | 'name'
  | 'taskName'
  | 'tags'
  | 'notes'
  | 'modelName'
  | 'baseHash'
  | 'methodText'
  | 'valLoss'
  | 'sizeBytes'
  | 'createdAt'
>;

export function parseView(query: URLSearchParams): ListView {
  return {
    text: query.get('q') ?? '',
    sort: SORTS.find((sort) => sort === query.get('sort')) ?? 'newest',
    tag: query.get('tag') ?? '',
    flat: query.get('view') === 'all',
  };
}

/** The query that parseView reads back; what is as usual is left out. */
export function viewQuery({ text, sort, tag, flat }: ListView): Record<string, string> {
  return {
    ...(text ? { q: text } : {}),
    ...(sort === 'newest' ? {} : { sort }),
    ...(tag ? { tag } : {}),
    ...(flat ? { view: 'all' } : {}),
  };
}

/** Every word must occur in name, task, tags, notes, base model, hash of the base, or method. */
export function matching<A extends Listed>(adapters: readonly A[], { text, tag }: Pick<ListView, 'text' | 'tag'>): A[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return adapters.filter((adapter) => {
    if (tag !== '' && !adapter.tags.includes(tag)) return false;
    const { name, taskName, tags, notes, modelName, baseHash, methodText } = adapter;
    const all = [name, taskName, ...tags, notes, modelName, baseHash, methodText.name, methodText.details]
      .join('\n')
      .toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

/** A sorted copy; adapters without a validation loss come last. */
export function sorted<A extends Listed>(adapters: readonly A[], sort: Sort): A[] {
  const newest = (a: A, b: A): number => b.createdAt.localeCompare(a.createdAt);
  const compare: Record<Sort, (a: A, b: A) => number> = {
    newest,
    loss: (a, b) => (a.valLoss ?? Infinity) - (b.valLoss ?? Infinity) || newest(a, b),
    size: (a, b) => a.sizeBytes - b.sizeBytes || newest(a, b),
    name: (a, b) => a.name.localeCompare(b.name) || newest(a, b),
  };
  return adapters.toSorted((a, b) => compare[sort](a, b) || 0);
}

/** Every tag that occurs, the most used first. */
export function tagCounts(adapters: readonly Pick<AdapterView, 'tags'>[]): { tag: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const tag of adapters.flatMap(({ tags }) => tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts]
    .map(([tag, count]) => ({ tag, count }))
    .sort((a, b) => b.count - a.count || a.tag.localeCompare(b.tag));
}

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

/** A value as a person reads it; a hash in short. */
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

/** Adapters with factors as the address carries them: `a:1,b:-0.5`. */
export function scalesText(parts: readonly { id: string; scale: number }[]): string {
  return parts.map(({ id, scale }) => `${id}:${scale}`).join(',');
}

/** What scalesText wrote; a part without a factor counts as it is. */
export function parseScales(text: string): { id: string; scale: number }[] {
  return text
    .split(',')
    .filter(Boolean)
    .map((part) => {
      const [id = '', scale = ''] = part.split(':');
      return { id, scale: Number(scale) || 1 };
    });
}
