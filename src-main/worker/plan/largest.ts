/**
 * The largest batch, maximum length and rank that fit into a memory limit, from the estimate as one measurement has
 * corrected it.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import { answersPerRow } from '../../../src-shared/objectives.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import { checkMethod } from '../../methods/checkMethod.ts';
import { estimateMemory, type Sized } from './estimate.ts';
import type { MemoryEstimate, PreflightResult } from '../../../src-shared/plan.ts';

/**
 * Rows beyond which a larger batch is not looked for, and up to which each size is estimated by itself; from there
 * memory grows by the row.
 */
const MOST_ROWS = 1024;
const ROWS_ESTIMATED = 16;

/** Where no limit is known. */
export const NO_LARGEST: PreflightResult['largest'] = { batch: null, maxLength: null, rank: null };

interface Question {
  run: Sized;
  limitBytes: number;
  /** Tokens of the longest row. */
  longestRow: number;
  /** Of the run as it is, and what was measured of it. */
  estimate: MemoryEstimate;
  peakBytes: number;
}

/** Each with all else as it is; 0 where not even 1 fits. */
export async function largestThatFit({
  run,
  limitBytes,
  longestRow,
  estimate,
  peakBytes,
}: Question): Promise<PreflightResult['largest']> {
  const fixed = estimate.processBytes + estimate.weightBytes;
  const correction = Math.min(2, Math.max(0.5, (peakBytes - fixed) / (estimate.totalBytes - fixed)));
  const { base, method, train } = run;
  const known = new Map<number, number>();
  const bytesOfRows = async (rows: number): Promise<number> => {
    const bytes = known.get(rows) ?? (await bytesOf(run, rows, longestRow));
    known.set(rows, bytes);
    return bytes;
  };
  const bytesOf = async (tried: Sized, rows: number, length: number): Promise<number> => {
    const { totalBytes } = await estimateMemory(
      tried,
      fullBatch(rows * answersPerRow(tried.objective), Math.max(2, length)),
    );
    return fixed + correction * (totalBytes - fixed);
  };
  const fits = async (tried: Sized, rows: number, length: number): Promise<boolean> =>
    (await bytesOf(tried, rows, length)) <= limitBytes;
  const rowsFit = async (rows: number): Promise<boolean> => {
    if (rows <= ROWS_ESTIMATED) return (await bytesOfRows(rows)) <= limitBytes;
    const [half, whole] = [await bytesOfRows(ROWS_ESTIMATED / 2), await bytesOfRows(ROWS_ESTIMATED)];
    return whole + ((whole - half) / (ROWS_ESTIMATED / 2)) * (rows - ROWS_ESTIMATED) <= limitBytes;
  };
  const batch = await largest(MOST_ROWS, rowsFit);
  const maxLength = await largest(base.spec.maxPositions, (length) => fits(run, train.batch, length));
  if (!('rank' in method)) return { batch, maxLength, rank: null };
  const rank = await largest(base.spec.hidden, async (value) => {
    const tried = { ...run, method: { ...method, rank: value } };
    return isPossible(tried) && (await fits(tried, train.batch, longestRow));
  });
  return { batch, maxLength, rank };
}

/** Whether the method's settings suit the model, memory aside. */
function isPossible({ base, method }: Sized): boolean {
  try {
    checkMethod(base.spec, [...base.tensors.keys()], method);
    return true;
  } catch (error) {
    if (error instanceof GraftError && error.kind === 'usage') return false;
    throw error;
  }
}

/**
 * The largest whole number from 1 to `most` that `fits`, 0 where none does; whatever is smaller than one that fits does
 * too.
 */
export async function largest(most: number, fits: (value: number) => Promise<boolean>): Promise<number> {
  let [good, next] = [0, 1];
  while (next <= most && (await fits(next))) [good, next] = [next, next * 2];
  let bad = Math.min(next, most + 1);
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (await fits(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

/** Nothing but tokens, every one labelled: the worst that a batch of this size can be. */
export function fullBatch(B: number, T: number): Batch {
  const ids = new Int32Array(B * T).fill(1);
  return { ids, labels: ids, mask: ids, B, T };
}
