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
  /** Steps run on over the end of an epoch, as in runs from before `RunSpec.epochEnds`. */
  runsOn?: boolean;
}

/** Micro-batches whose rows are shuffled together before they are sorted by length. */
const WINDOW_BATCHES = 32;
/** Packed micro-batches that are open for another row at a time. */
const MOST_OPEN = 64;
/** Epochs whose micro-batches are remembered: a step that runs on needs two. */
const KEPT_EPOCHS = 2;

export class BatchPlan {
  private readonly lengths: ArrayLike<number>;
  private readonly options: BatchPlanOptions;
  /** Micro-batches of the epochs asked for last, and how many each epoch has. */
  private readonly epochs = new Map<number, number[][]>();
  private readonly counts: number[] = [];

  /** lengths: tokens of each row, at least one row. */
  constructor(lengths: ArrayLike<number>, options: BatchPlanOptions) {
    if (lengths.length === 0) throw new RangeError('a plan of no rows');
    this.lengths = lengths;
    this.options = options;
  }

  /**
   * Rows of optimiser step `step` (1-based), one array per micro-batch. As in Hugging Face's Trainer every row comes
   * once per epoch, and an epoch's last batch and last step are as small as what is left.
   */
  rowsOf(step: number): number[][] {
    const { batch, accumulate, seed, runsOn } = this.options;
    if (!Number.isInteger(step) || step < 1) throw new RangeError(`rowsOf: step ${step}, wanted a positive integer`);
    if (runsOn && this.isPlain) return rowsOfStep(this.lengths.length, batch, accumulate, seed, step);
    if (runsOn)
      return Array.from({ length: accumulate }, (_, micro) => this.microBatch((step - 1) * accumulate + micro));
    const { epoch, at } = this.placeOf(step - 1, (e) => this.stepsOf(e));
    return this.epoch(epoch).slice(at * accumulate, (at + 1) * accumulate);
  }

  /** Optimiser steps that `epochs` passes over the rows take, rounded up. */
  stepsFor(epochs: number): number {
    const { batch, accumulate, runsOn } = this.options;
    if (runsOn && this.isPlain) return stepsForEpochs(this.lengths.length, batch, accumulate, epochs);
    const sizeOf = (epoch: number): number => (runsOn ? this.countOf(epoch) : this.stepsOf(epoch));
    const whole = Math.floor(epochs);
    let count = this.isConstant ? whole * sizeOf(0) : 0;
    if (!this.isConstant) for (let epoch = 0; epoch < whole; epoch++) count += sizeOf(epoch);
    if (epochs > whole) count += Math.ceil(sizeOf(whole) * (epochs - whole));
    return Math.max(1, runsOn ? Math.ceil(count / accumulate) : count);
  }

  private get isPlain(): boolean {
    return !this.options.packing && !this.options.bucketing;
  }

  /** Whether every epoch has as many micro-batches. */
  private get isConstant(): boolean {
    return !this.options.packing;
  }

  private microBatch(index: number): number[] {
    const { epoch, at } = this.placeOf(index, (e) => this.countOf(e));
    return this.epoch(epoch)[at]!;
  }

  /** The epoch in which item `index` lies where each has `sizeOf` of them, and its place in it. */
  private placeOf(index: number, sizeOf: (epoch: number) => number): { epoch: number; at: number } {
    if (this.isConstant) return { epoch: Math.floor(index / sizeOf(0)), at: index % sizeOf(0) };
    let at = index;
    for (let epoch = 0; ; epoch++) {
      const size = sizeOf(epoch);
      if (at < size) return { epoch, at };
      at -= size;
    }
  }

  private stepsOf(epoch: number): number {
    return Math.ceil(this.countOf(epoch) / this.options.accumulate);
  }

  private countOf(epoch: number): number {
    if (this.isConstant) return Math.ceil(this.lengths.length / this.options.batch);
    return (this.counts[epoch] ??= this.epoch(epoch).length);
  }

  private epoch(epoch: number): number[][] {
    const known = this.epochs.get(epoch);
    if (known) return known;
    const batches = this.cut(epoch);
    this.epochs.set(epoch, batches);
    const [oldest] = this.epochs.keys();
    if (oldest !== undefined && this.epochs.size > KEPT_EPOCHS) this.epochs.delete(oldest);
    return batches;
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
function firstFit(order: number[], lengths: ArrayLike<number>, budget: number): number[][] {
  const batches: { rows: number[]; tokens: number }[] = [];
  let oldest = 0;
  for (const row of order) {
    const length = lengths[row]!;
    let found: (typeof batches)[number] | undefined;
    for (let open = oldest; !found && open < batches.length; open++)
      if (batches[open]!.tokens + length <= budget) found = batches[open];
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
