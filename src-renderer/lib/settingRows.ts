/** The settings of several adapters or runs side by side, in words. */
import { METHODS } from '../../src-shared/methods/registry.ts';
import { COMPUTE_SETTINGS } from '../../src-shared/settings/compute.ts';
import { DATA_SETTINGS, FILE_SETTINGS } from '../../src-shared/settings/data.ts';
import type { Setting as OwnSetting, Settings } from '../../src-shared/settings/setting.ts';
import { TRAIN_SETTINGS } from '../../src-shared/settings/training.ts';
import type { Setting } from './api.ts';
import { formatSmall } from './format.ts';

export interface SettingRow {
  key: string;
  label: string;
  /** In the order of what is compared; a dash where one has no such setting. */
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
  // @wc-include
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return formatSmall(value);
  if (key.endsWith('hash')) return value.slice(0, 12);
  return CHOICES[key]?.[value] ?? settingOf(key)?.choices?.[value] ?? value;
}

/** What no setting has chosen: the parts of a run's record that name its base and its data. */
const FACTS: Record<string, string> = {
  'base.hash': 'Base (hash)',
  'base.dtype': COMPUTE_SETTINGS.baseDtype.label,
  'base.embeddingDtype': COMPUTE_SETTINGS.embeddingDtype.label,
  engine: COMPUTE_SETTINGS.engine.label,
  'data.file': 'Data file',
  'data.hash': 'Data (hash)',
  'data.version': 'Data version',
  'data.allowBadRows': 'Bad rows left out',
  'method.type': 'Method',
};

/** Methods that share a setting mean the same by it; LoRA, the first, has the word. */
const METHOD_SETTINGS: Settings = Object.assign({}, ...METHODS.map(({ settings }) => settings).reverse());
const SETTINGS: Record<string, Settings> = {
  data: { ...FILE_SETTINGS, ...DATA_SETTINGS },
  method: METHOD_SETTINGS,
  train: TRAIN_SETTINGS,
};

/** How what is no setting of its own names its choices. */
const CHOICES: Record<string, Record<string, string>> = {
  'method.type': Object.fromEntries(METHODS.map(({ type, name }) => [type, name])),
  engine: COMPUTE_SETTINGS.engine.choices,
};

function settingOf(key: string): OwnSetting | undefined {
  const [group = '', ...rest] = key.split('.');
  return SETTINGS[group]?.[rest.join('.')];
}

/** `train.lr` is "Learning rate"; `method.rankPattern.3.q` is "Rank of 3.q". */
export function settingLabel(key: string): string {
  const [, kind, place] = /^method\.(rank|alpha)Pattern\.(.+)$/.exec(key) ?? [];
  if (kind && place) return `${kind === 'rank' ? 'Rank' : 'Alpha'} of ${place}`;
  return FACTS[key] ?? settingOf(key)?.label ?? (key.split('.').slice(1).join('.') || key);
}
