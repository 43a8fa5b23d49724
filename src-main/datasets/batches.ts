/**
 * Which rows make up which training step, and how rows become one padded batch. Everything is a pure function of
 * the seed and the step, so a resumed run finds its place without any history.
 */
import { Random } from '../../src-shared/random.ts';
import { IGNORED } from './types.ts';
import { lengthsOf, type RowList } from './tokens/rowList.ts';
import type { TokenisedExample } from './types.ts';

/** The order of all rows in an epoch (0-based): a shuffle that depends on seed and epoch only. */
export function epochOrder(rowCount: number, seed: number, epoch: number): number[] {
  const rows = Array.from({ length: rowCount }, (_, row) => row);
  return Random.stream(seed, `epoch ${epoch}`).shuffle(rows);
}

/**
 * The rows of optimiser step `step` (1-based) in a run from before `RunSpec.epochEnds`: one array of row indices per
 * micro-batch, `accumulate` of them, each of `batch` rows. Steps run on over the end of an epoch.
 * Throws RangeError for counts that are not positive integers.
 */
export function rowsOfStep(
  rowCount: number,
  batch: number,
  accumulate: number,
  seed: number,
  step: number,
): number[][] {
  for (const [name, value] of Object.entries({ rowCount, batch, accumulate, step })) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`rowsOfStep: ${name} is ${value}, wanted a positive integer`);
  }
  const orders = new Map<number, number[]>();
  const rowAt = (position: number): number => {
    const epoch = Math.floor(position / rowCount);
    let order = orders.get(epoch);
    if (!order) orders.set(epoch, (order = epochOrder(rowCount, seed, epoch)));
    return order[position % rowCount]!;
  };
  const first = (step - 1) * batch * accumulate;
  return Array.from({ length: accumulate }, (_, micro) =>
    Array.from({ length: batch }, (_, i) => rowAt(first + micro * batch + i)),
  );
}

/** Steps of `rowsOfStep` that `epochs` passes over the rows take, rounded up. */
export function stepsForEpochs(rowCount: number, batch: number, accumulate: number, epochs: number): number {
  return Math.max(1, Math.ceil((rowCount * epochs) / (batch * accumulate)));
}

export interface Batch {
  /** (B, T), row-major. */
  ids: Int32Array;
  /** (B, T), -100 where there is no loss. */
  labels: Int32Array;
  /** (B, T), 1 on tokens, 0 on padding. */
  mask: Int32Array;
  B: number;
  T: number;
  /** (B) of rows that are classified. */
  classes?: Int32Array;
}

/** The examples at `indices`, padded on the right with `padId` to the longest of them. */
export function collate(
  examples: {
    readonly length: number;
    at(index: number): Pick<TokenisedExample, 'ids' | 'labels' | 'class'> | undefined;
  },
  indices: readonly number[],
  padId: number,
): Batch {
  const rows = indices.map((index) => {
    const row = index < 0 ? undefined : examples.at(index);
    if (!row) throw new RangeError(`collate: row ${index} of ${examples.length}`);
    return row;
  });
  const B = rows.length;
  const T = rows.reduce((longest, row) => Math.max(longest, row.ids.length), 0);
  const ids = new Int32Array(B * T).fill(padId);
  const labels = new Int32Array(B * T).fill(IGNORED);
  const mask = new Int32Array(B * T);
  rows.forEach((row, b) => {
    ids.set(row.ids, b * T);
    labels.set(row.labels, b * T);
    mask.fill(1, b * T, b * T + row.ids.length);
  });
  const classes = rows.flatMap((row) => row.class ?? []);
  return { ids, labels, mask, B, T, ...(classes.length > 0 ? { classes: Int32Array.from(classes) } : {}) };
}

/** All examples, those of like length together so that little is padding; a mean does not depend on the order. */
export function* evaluationBatches(
  examples: RowList,
  batch: number,
  padId: number,
  lengths = lengthsOf(examples),
): Generator<Batch> {
  for (const rows of likeLengths(lengths, batch)) yield collate(examples, rows, padId);
}

/** Numbers of all rows, `batch` at a time, those of like length together. */
export function likeLengths(lengths: Int32Array, batch: number): number[][] {
  const order = Array.from(lengths, (_, row) => row).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  return Array.from({ length: Math.ceil(order.length / batch) }, (_, i) => order.slice(i * batch, (i + 1) * batch));
}
