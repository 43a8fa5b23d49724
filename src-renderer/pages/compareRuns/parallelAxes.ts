/**
 * The axes of parallel coordinates: one for each setting that differs, then what came of it. Places on an axis are
 * shares of its height, 0 at the foot.
 */
import type { RunView } from '../../lib/api.ts';
import { formatDuration, formatLoss, formatSmall } from '../../lib/format.ts';
import { settingLabel, settingText } from '../../lib/settingRows.ts';
import { flatSettings, type SettingValue } from '../../../src-shared/flatSettings.ts';
import type { Result } from './results.ts';

export interface ParallelAxis {
  key: string;
  label: string;
  /** Of each run; undefined where it has no value, as a loss before the first evaluation. */
  places: (number | undefined)[];
  /** The value of each run in words. */
  texts: string[];
  ticks: { place: number; text: string }[];
  /** Where the keys stop: the places of categories; undefined on an axis of numbers. */
  stops: number[] | undefined;
  /** What lies at a place, in words. */
  textAt: (place: number) => string;
}

/** From and to, in shares of the height. */
export type Span = readonly [from: number, to: number];

/** What is marked, by axis. */
export type Spans = Record<string, Span>;

/** The last axis: runs are coloured by it. */
export const LOSS_AXIS = 'result.best';

/** Settings that say the same as another, or nothing to anybody. */
const SKIPPED = ['data.hash', 'data.version'];
/** From this ratio of the largest value to the smallest on an axis is logarithmic. */
const LOG_RATIO = 50;

export function axesOf(compared: readonly { run: Pick<RunView, 'spec'>; result: Result }[]): ParallelAxis[] {
  if (compared.length === 0) return [];
  const settings = compared.map(({ run }) => new Map(flatSettings(run.spec)));
  const keys = [...new Set(settings.flatMap((map) => [...map.keys()]))].filter((key) => !SKIPPED.includes(key));
  const differing = keys.filter((key) => new Set(settings.map((map) => map.get(key))).size > 1);
  const results = compared.map(({ result }) => result);
  return [
    ...differing.map((key) =>
      settingAxis(
        key,
        settings.map((map) => map.get(key)),
      ),
    ),
    numberAxis(
      'result.time',
      'Training time',
      results.map(({ trainingMs }) => trainingMs ?? undefined),
      formatDuration,
    ),
    numberAxis(
      LOSS_AXIS,
      'Best held-out loss',
      results.map(({ best }) => best?.valLoss),
      formatLoss,
    ),
  ];
}

/** Whether the run lies within all that is marked. */
export function isWithin(axes: readonly ParallelAxis[], spans: Spans, index: number): boolean {
  return axes.every(({ key, places }) => {
    const span = spans[key];
    if (!span) return true;
    const place = places[index];
    // A hair's breadth, so that a value at the very end of a span lies in it.
    return place !== undefined && place >= span[0] - 1e-9 && place <= span[1] + 1e-9;
  });
}

function settingAxis(key: string, values: readonly (SettingValue | undefined)[]): ParallelAxis {
  const label = settingLabel(key);
  if (values.every((value) => typeof value === 'number')) return numberAxis(key, label, values, formatSmall);
  const texts = values.map((value) => settingText(key, value));
  const categories = [...new Set(texts)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const placeOf = (text: string) => (categories.indexOf(text) + 0.5) / categories.length;
  return {
    key,
    label,
    places: texts.map(placeOf),
    texts,
    ticks: categories.map((text) => ({ place: placeOf(text), text })),
    stops: categories.map(placeOf),
    textAt: (place) => categories[Math.min(categories.length - 1, Math.floor(place * categories.length))] ?? '',
  };
}

function numberAxis(
  key: string,
  label: string,
  values: readonly (number | undefined)[],
  format: (value: number) => string,
): ParallelAxis {
  const known = values.filter((value) => value !== undefined);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const log = low > 0 && high / low >= LOG_RATIO;
  const [from, to] = log ? [Math.log(low), Math.log(high)] : [low, high];
  const placeOf = (value: number) => (high > low ? ((log ? Math.log(value) : value) - from) / (to - from) : 0.5);
  const valueAt = (place: number) => {
    const at = from + place * (to - from);
    return log ? Math.exp(at) : at;
  };
  const distinct = [...new Set(known)].sort((a, b) => a - b);
  const marks = distinct.length <= 5 ? distinct : [0, 0.25, 0.5, 0.75, 1].map(valueAt);
  return {
    key,
    label,
    places: values.map((value) => (value === undefined ? undefined : placeOf(value))),
    texts: values.map((value) => (value === undefined ? '–' : format(value))),
    ticks: marks.map((value) => ({ place: placeOf(value), text: format(value) })),
    stops: undefined,
    textAt: (place) => (known.length === 0 ? '–' : format(valueAt(place))),
  };
}
