/**
 * Keeps edits of rows that are not saved yet in the window's session storage, so that a reload does not lose them.
 * Rows are named by number, so edits only fit the exact content they were made on.
 */
import { NO_EDITS, numbersOf, rangesOf, type RowEdits, type RowValues } from './rowEdits.ts';

/** What the rows of a version are at present. */
export interface RowsContent {
  /** sha256 of the file. */
  hash: string;
  /** How many rows it has. */
  rows: number;
}

/** Larger drafts are not kept: session storage holds about five million characters for all of them. */
export const MOST_CHARACTERS = 1_000_000;

/**
 * Keeps the edits, or forgets what was kept where there are none. False where they are too large; nothing older is left
 * then.
 */
export function keepEdits(
  storage: Pick<Storage, 'setItem' | 'removeItem'>,
  key: string,
  { hash }: RowsContent,
  { changed, removed, added }: RowEdits,
): boolean {
  storage.removeItem(key);
  if (changed.size + removed.size + added.length === 0) return true;
  const text = JSON.stringify({
    hash,
    changed: [...changed],
    removed: rangesOf([...removed].sort((a, b) => a - b)),
    added,
  });
  if (text.length > MOST_CHARACTERS) return false;
  try {
    storage.setItem(key, text);
    return true;
  } catch {
    // Other drafts have filled the storage.
    return false;
  }
}

/** The edits that were kept; none where they are damaged or belong to other content. */
export function keptEdits(storage: Pick<Storage, 'getItem'>, key: string, { hash, rows }: RowsContent): RowEdits {
  const kept = parse(storage.getItem(key));
  if (!isRecord(kept) || kept['hash'] !== hash) return NO_EDITS;
  const { changed, removed, added } = kept;
  if (
    !isListOf(
      changed,
      (item): item is [number, RowValues] => isPair(item) && isBelow(item[0], rows) && isRecord(item[1]),
    )
  )
    return NO_EDITS;
  if (
    !isListOf(
      removed,
      (item): item is [number, number] => isPair(item) && isBelow(item[0], rows) && isBelow(item[1], rows + 1),
    )
  )
    return NO_EDITS;
  if (!isListOf(added, isRecord)) return NO_EDITS;
  return { changed: new Map(changed), removed: numbersOf(removed), added };
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPair(value: unknown): value is [unknown, unknown] {
  return Array.isArray(value) && value.length === 2;
}

function isBelow(value: unknown, limit: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < limit;
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isItem);
}
