/**
 * Which rows make up which step, as a function of seed and step alone: batches of a number of rows, batches filled up
 * to a number of tokens (packing), and batches of rows of like length (bucketing). Since padding is never computed and
 * attention stays inside each row, a packed batch is nothing but rows chosen by their tokens.
 */
import { Random } from '../../src-shared/random.ts';
import { epochOrder, rowsOfStep, stepsForEpochs } from './batches.ts';

export interface BatchPlanOptions {
  /** Rows of a micro-batch; with packing it holds as many tokens as `batch` rows of `maxLength`. */
  batch: number;
  accumulate: number;
  maxLength: number;
  seed: number;
  packing: boolean;
  bucketing: boolean;
}

/** Micro-batches whose rows are shuffled together before they are sorted by length. */
const WINDOW_BATCHES = 32;
/** Packed micro-batches that are open for another row at a time. */
const MOST_OPEN = 64;

export class BatchPlan {
  private readonly lengths: number[];
  private readonly options: BatchPlanOptions;
  /** Micro-batches of the epochs asked for so far. */
  private readonly epochs: number[][][] = [];

  /** lengths: tokens of each row, at least one row. */
  constructor(lengths: number[], options: BatchPlanOptions) {
    if (lengths.length === 0) throw new RangeError('a plan of no rows');
    this.lengths = lengths;
    this.options = options;
  }

  /** Rows of optimiser step `step` (1-based), one array per micro-batch. Every row comes once per epoch. */
  rowsOf(step: number): number[][] {
    const { batch, accumulate, seed } = this.options;
    if (this.isPlain) return rowsOfStep(this.lengths.length, batch, accumulate, seed, step);
    const first = (step - 1) * accumulate;
    return Array.from({ length: accumulate }, (_, micro) => this.microBatch(first + micro));
  }

  /** Optimiser steps that `epochs` passes over the rows take, rounded up. */
  stepsFor(epochs: number): number {
    const { batch, accumulate } = this.options;
    if (this.isPlain) return stepsForEpochs(this.lengths.length, batch, accumulate, epochs);
    let count = 0;
    for (let epoch = 0; epoch < epochs; epoch++)
      count += Math.ceil(this.epoch(epoch).length * Math.min(1, epochs - epoch));
    return Math.max(1, Math.ceil(count / accumulate));
  }

  private get isPlain(): boolean {
    return !this.options.packing && !this.options.bucketing;
  }

  private microBatch(index: number): number[] {
    let at = index;
    for (let epoch = 0; ; epoch++) {
      const batches = this.epoch(epoch);
      const batch = batches[at];
      if (batch) return batch;
      at -= batches.length;
    }
  }

  private epoch(epoch: number): number[][] {
    return (this.epochs[epoch] ??= this.cut(epoch));
  }

  private cut(epoch: number): number[][] {
    const { lengths } = this;
    const { batch, seed, maxLength, packing, bucketing } = this.options;
    const shuffled = epochOrder(lengths.length, seed, epoch);
    const order = bucketing
      ? chunks(shuffled, WINDOW_BATCHES * batch).flatMap((window) => window.sort((a, b) => lengths[a]! - lengths[b]!))
      : shuffled;
    const batches = packing ? firstFit(order, lengths, batch * maxLength) : chunks(order, batch);
    return bucketing ? Random.stream(seed, `buckets ${epoch}`).shuffle(batches) : batches;
  }
}

function chunks(rows: number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));
}

/**
 * Each row goes into the first open batch that has room for its tokens; the oldest one closes where too many are open.
 */
function firstFit(order: number[], lengths: number[], budget: number): number[][] {
  const batches: { rows: number[]; tokens: number }[] = [];
  let oldest = 0;
  for (const row of order) {
    const length = lengths[row]!;
    const found = batches.slice(oldest).find(({ tokens }) => tokens + length <= budget);
    if (found) {
      found.rows.push(row);
      found.tokens += length;
    } else {
      batches.push({ rows: [row], tokens: length });
      oldest = Math.max(oldest, batches.length - MOST_OPEN);
    }
  }
  return batches.map(({ rows }) => rows);
}
