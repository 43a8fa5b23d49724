/** Edits of rows as immutable values: every step makes a new one, so each can be undone. */
export type RowValues = Record<string, unknown>;

export interface RowEdits {
  /** By row number in the version that is edited. */
  changed: ReadonlyMap<number, RowValues>;
  removed: ReadonlySet<number>;
  added: readonly RowValues[];
}

export const NO_EDITS: RowEdits = { changed: new Map(), removed: new Set(), added: [] };

export function changeRow(edits: RowEdits, index: number, values: RowValues): RowEdits {
  return { ...edits, changed: new Map(edits.changed).set(index, values) };
}

/** `places`: of added rows. */
export function removeRows(edits: RowEdits, indices: Iterable<number>, places: readonly number[] = []): RowEdits {
  return {
    ...edits,
    removed: new Set([...edits.removed, ...indices]),
    added: edits.added.filter((_, place) => !places.includes(place)),
  };
}

export function bringRowBack(edits: RowEdits, index: number): RowEdits {
  return { ...edits, removed: withItem(edits.removed, index, false) };
}

/** In the form that the API takes; a row that was changed and then deleted is deleted. */
export function editsToSend({ changed, removed, added }: RowEdits): {
  changed: { index: number; values: RowValues }[];
  removed: [number, number][];
  added: RowValues[];
} {
  return {
    changed: [...changed].filter(([index]) => !removed.has(index)).map(([index, values]) => ({ index, values })),
    removed: rangesOf([...removed].sort((a, b) => a - b)),
    added: [...added],
  };
}

/** The set with or without an item. */
export function withItem<T>(set: ReadonlySet<T>, item: T, isIn: boolean): ReadonlySet<T> {
  const next = new Set(set);
  if (isIn) next.add(item);
  else next.delete(item);
  return next;
}

/** Sorted numbers as ranges, the end not included: many deleted rows are a short message. */
export function rangesOf(sorted: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const index of sorted) {
    const last = ranges.at(-1);
    if (last && last[1] === index) last[1] = index + 1;
    else ranges.push([index, index + 1]);
  }
  return ranges;
}

/** The numbers of ranges. */
export function numbersOf(ranges: readonly (readonly [number, number])[]): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const [from, to] of ranges) for (let index = from; index < to; index++) numbers.add(index);
  return numbers;
}
