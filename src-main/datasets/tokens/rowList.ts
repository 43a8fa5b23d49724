/** Tokenised rows by number, wherever they lie: in an array, or in a file that gives a row when it is asked. */
import type { TokenisedExample } from '../types.ts';

export interface RowList {
  readonly length: number;
  at(index: number): TokenisedExample | undefined;
  /** What is known of all rows without reading them; absent where they are in memory anyway. */
  readonly facts?: RowFacts;
}

/** A number per row each. */
export interface RowFacts {
  /** Tokens after truncation; absent where rows are tokenised as they are asked for (earlyRows.ts). */
  tokens?: Int32Array;
  lines: Float64Array;
  groups: Int32Array;
  /** The token that the row teaches as the end of an answer; NO_END where there is none, CUT_END where it was cut. */
  ends: Int32Array;
}

const ROWS_AT_ONCE = 32;

export const NO_END = -1;
export const CUT_END = -2;

/** Tokens of each row. */
export function lengthsOf(rows: RowList): Int32Array {
  return rows.facts?.tokens ?? Int32Array.from({ length: rows.length }, (_, i) => rows.at(i)!.ids.length);
}

/** As lengthsOf; rows that have to be tokenised for it are so once, and `goOn` is waited for in between. */
export async function countedLengths(rows: RowList, goOn: () => Promise<void>): Promise<Int32Array> {
  if (!rows.facts || rows.facts.tokens) return lengthsOf(rows);
  const tokens = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    tokens[i] = rows.at(i)!.ids.length;
    if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await goOn();
  }
  return (rows.facts.tokens = tokens);
}

export function groupsOf(rows: RowList): Int32Array {
  return rows.facts?.groups ?? Int32Array.from({ length: rows.length }, (_, i) => rows.at(i)!.group);
}

export function lineOf(rows: RowList, index: number): number {
  return rows.facts ? rows.facts.lines[index]! : rows.at(index)!.line;
}

/** The rows of these numbers, in this order. */
export function chosenRows(rows: RowList, indices: Int32Array): RowList {
  if (Array.isArray(rows)) return Array.from(indices, (index) => (rows as TokenisedExample[])[index]!);
  const { facts } = rows;
  return {
    length: indices.length,
    at: (index) => (index < 0 || index >= indices.length ? undefined : rows.at(indices[index]!)),
    ...(facts
      ? {
          facts: {
            ...(facts.tokens ? { tokens: indices.map((index) => facts.tokens![index]!) } : {}),
            lines: Float64Array.from(indices, (index) => facts.lines[index]!),
            groups: indices.map((index) => facts.groups[index]!),
            ends: indices.map((index) => facts.ends[index]!),
          },
        }
      : {}),
  };
}

/** The rows as `change` gives them, each with `added` tokens more. */
export function changedRows(
  rows: RowList,
  change: (row: TokenisedExample) => TokenisedExample,
  added: number,
): RowList {
  if (Array.isArray(rows)) return (rows as TokenisedExample[]).map(change);
  const { facts } = rows;
  return {
    length: rows.length,
    at: (index) => {
      const row = rows.at(index);
      return row && change(row);
    },
    ...(facts
      ? { facts: { ...facts, ...(facts.tokens ? { tokens: facts.tokens.map((tokens) => tokens + added) } : {}) } }
      : {}),
  };
}

/** Numbers of the rows that `isWanted` says yes to. */
export function indicesWhere(rows: number, isWanted: (index: number) => boolean): Int32Array {
  const found = new Int32Array(rows);
  let count = 0;
  for (let index = 0; index < rows; index++) if (isWanted(index)) found[count++] = index;
  return found.slice(0, count);
}
