/** The pieces of text that a page of a PDF draws, put together to lines. */

/** As PDF.js gives it. */
export interface TextItem {
  str: string;
  hasEOL: boolean;
  /** [a, b, c, d, x, y]: the place of the baseline's beginning, y upwards. */
  transform: number[];
  /** Of the font. */
  height: number;
  width: number;
}

export interface Line {
  text: string;
  /** In points, from the left and the bottom of the page. */
  x: number;
  y: number;
  /** Where it ends. */
  right: number;
  /** Of its letters, in points: that of most of them. */
  size: number;
  page: number;
}

/** Higher than this share of its letters a piece stands on another line; what is lower is an index or a power. */
const RISE = 0.6;

export function linesOfPage(items: readonly TextItem[], page: number): Line[] {
  const lines: Line[] = [];
  let held: TextItem[] = [];
  let size = 0;
  const flush = (): void => {
    const line = lineOf(held, page);
    if (line) lines.push(line);
    held = [];
    size = 0;
  };
  for (const item of items) {
    const [first] = held;
    const rise = first ? Math.abs((item.transform[5] ?? 0) - (first.transform[5] ?? 0)) : 0;
    if (item.str.trim() !== '' && rise > RISE * Math.max(size, item.height)) flush();
    if (item.str !== '') held.push(item);
    size = Math.max(size, item.height);
    if (item.hasEOL) flush();
  }
  flush();
  return lines;
}

function lineOf(items: readonly TextItem[], page: number): Line | undefined {
  // Soft hyphens are places where a word may be divided, no letters; NUL is no character of a text.
  const text = items
    .map(({ str }) => str)
    .join('')
    .replace(/[\u00ad\0]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  const first = items.find(({ str }) => str.trim() !== '');
  if (text === '' || !first) return undefined;
  const right = items.reduce((most, { transform, width }) => Math.max(most, (transform[4] ?? 0) + width), 0);
  return { text, x: first.transform[4] ?? 0, y: first.transform[5] ?? 0, right, size: usualSize(items), page };
}

/** The size of most letters. */
function usualSize(items: readonly TextItem[]): number {
  return mostCommon(items.map(({ height, str }) => [height, str.trim().length]));
}

/** The value of most weight, to half a point. */
export function mostCommon(values: readonly (readonly [value: number, weight: number])[]): number {
  const weights = new Map<number, number>();
  for (const [value, weight] of values) {
    const rounded = Math.round(2 * value) / 2;
    weights.set(rounded, (weights.get(rounded) ?? 0) + weight);
  }
  return [...weights].reduce((best, one) => (one[1] > best[1] ? one : best), [0, -1])[0];
}
