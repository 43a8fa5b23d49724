/** Which of a step's rows a process of a team computes. */
import type { Team } from './team.ts';

export interface RowShare {
  /** Rows of this process by micro-batch; empty where it has none. */
  own: number[][];
  /** The micro-batches before them, which are other processes'. */
  before: number[][];
  /** Micro-batches were not enough to deal them out whole, so that their rows were. */
  split: boolean;
  /** All rows of the step. */
  all: number[];
}

/**
 * Whole micro-batches, where each process can have as many: what is drawn at random for a micro-batch is then what one
 * process draws. Else the rows, so that no process has more than one above another, and those of each micro-batch by
 * their lengths to and fro, so that none waits long for another.
 */
export function shareOfRows(
  microBatches: number[][],
  { rank, size }: Pick<Team, 'rank' | 'size'>,
  lengthOf: (row: number) => number,
): RowShare {
  const all = microBatches.flat();
  if (microBatches.length % size === 0) {
    const each = microBatches.length / size;
    const [start, end] = [rank * each, (rank + 1) * each];
    return { own: microBatches.slice(start, end), before: microBatches.slice(0, start), split: false, all };
  }
  let place = 0;
  const own = microBatches.map((rows) => {
    const longestFirst = [...rows].sort((a, b) => lengthOf(b) - lengthOf(a));
    return longestFirst.filter(() => toAndFro(place++, size) === rank);
  });
  return { own: own.filter((rows) => rows.length > 0), before: [], split: true, all };
}

/** 0, 1, 2, 2, 1, 0, 0, 1 … of three. */
function toAndFro(place: number, size: number): number {
  const round = Math.floor(place / size);
  return round % 2 === 0 ? place % size : size - 1 - (place % size);
}
