/**
 * Numbers as people read them, in the language of the page. Every function takes the unit its name or docstring says.
 */
import { hostText } from './app/hostSentences.ts';
import { intlLocales } from './app/language.ts';

/** Made once: in a table that scrolls, `toLocaleString` took longer than any other function of a cell. */
const counts = new Intl.NumberFormat(intlLocales().numbers);
/** What stands before the tenths. */
const point = new Intl.NumberFormat(intlLocales().numbers).format(0.5).charAt(1);

/** 260032 -> "260,032". */
export function formatCount(value: number): string {
  return counts.format(Math.round(value));
}

/** Parameters in short: 260032 -> "260K", 1100000000 -> "1.1B". */
export function formatShort(value: number): string {
  const units: [number, string][] = [
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'K'],
  ];
  for (const [size, unit] of units) {
    // What rounds up to a thousand of a unit is one of the next.
    if (value >= 0.9995 * size) return `${trim(value / size)}${unit}`;
  }
  return decimal(value);
}

/** Bytes with binary steps: 1536 -> "1.5 KiB". */
export function formatBytes(sizeBytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : trim(value)} ${units[unit]}`;
}

/**
 * Milliseconds: 0.0342 -> "0.034 ms", 3.25 -> "3.3 ms", 1234 -> "1.2 s", 83000 -> "1 min 23 s", 7380000 -> "2 h 3 min".
 */
export function formatDuration(elapsedMs: number): string {
  if (elapsedMs < 1) return `${decimal(Number(elapsedMs.toPrecision(2)))} ms`;
  if (elapsedMs < 1000) return `${trim(elapsedMs)} ms`;
  if (elapsedMs < 60_000) return `${trim(elapsedMs / 1000)} s`;
  const seconds = Math.round(elapsedMs / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Time that something still takes, in whole seconds: its end is never 0 ms away. */
export function formatTimeLeft(leftMs: number): string {
  return leftMs < 1000 ? 'under 1 s' : formatDuration(1000 * Math.round(leftMs / 1000));
}

/** A loss with four decimals; a dash where there is none. */
export function formatLoss(loss: number | null | undefined): string {
  return loss === null || loss === undefined ? '–' : formatFixed(loss, 4);
}

/** With so many decimals, zeros too: 0.5 with two -> "0.50". */
export function formatFixed(value: number, decimals: number): string {
  return decimal(value.toFixed(decimals));
}

/** Points from 0 to 100, with one decimal. */
export function formatPoints(points: number): string {
  return decimal(points.toFixed(1));
}

/** 0.00012 -> "1.2e-4", 0.0002 -> "2e-4"; ordinary magnitudes stay plain. */
export function formatSmall(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return decimal(Number(value.toPrecision(2)).toExponential());
  return decimal(Number(value.toPrecision(4)));
}

/** 0.9375 -> "93.8 %". */
export function formatShare(share: number): string {
  return `${decimal(Number((share * 100).toFixed(1)))} %`;
}

/** A probability, small ones with two digits: 0.9375 -> "93.8 %", 0.00042 -> "0.042 %". */
export function formatChance(p: number): string {
  if (p >= 0.01) return formatShare(p);
  return p < 1e-6 ? `< ${decimal('0.0001')} %` : `${decimal(Number((p * 100).toPrecision(2)))} %`;
}

/** An ISO time stamp or epoch milliseconds as local date and time. */
export function formatDate(value: string | number): string {
  return new Date(value).toLocaleString(intlLocales().dates, { dateStyle: 'medium', timeStyle: 'short' });
}

/** An ISO time stamp in short, in local time: the hour today, else the day, with its year where it is another. */
export function formatDay(value: string, now = new Date()): string {
  const date = new Date(value);
  if (date.toDateString() === now.toDateString())
    return date.toLocaleTimeString(intlLocales().dates, { timeStyle: 'short' });
  return date.toLocaleDateString(intlLocales().dates, {
    day: 'numeric',
    month: 'short',
    ...(date.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }),
  });
}

interface MethodText {
  name: string;
  details: string;
}

/** `LoRA, rank 8, alpha 16, q v`. */
export function methodLabel(method: MethodText): string {
  return method.details ? `${hostText(method.name)}, ${methodDetails(method)}` : hostText(method.name);
}

/** `rank 8, alpha 16, q v`. */
export function methodDetails({ details }: Pick<MethodText, 'details'>): string {
  return details.split(', ').map(hostText).join(', ');
}

/** An adapter in a list of many: adapters of one task often share their name, so method and time tell them apart. */
export function adapterLabel(adapter: {
  name: string;
  taskName: string;
  methodText: MethodText;
  createdAt: string;
}): string {
  const name = adapter.name === adapter.taskName ? adapter.name : `${adapter.taskName}: ${adapter.name}`;
  return `${name}, ${methodLabel(adapter.methodText)}, ${formatDate(adapter.createdAt)}`;
}

/** Last part of a path of either separator. */
export function baseName(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}

/** The last two parts of a path: a base model's own folder is often just called "model". */
export function shortPath(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).slice(-2).join('/');
}

/** `a, b and c`. */
export function formatList(words: readonly string[]): string {
  return new Intl.ListFormat(intlLocales().dates).format(words);
}

/** One decimal below ten, none from there on. */
function trim(value: number): string {
  return decimal(value < 10 ? Number(value.toFixed(1)) : Math.round(value));
}

/** With the decimal sign of the language; all digits stay. */
function decimal(value: number | string): string {
  return String(value).replace('.', point);
}
