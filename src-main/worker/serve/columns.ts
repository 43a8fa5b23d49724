/** How much memory the keys and values of answers under way may take. */
import os from 'node:os';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';

/** Of the memory of the machine. */
const SHARE = 1 / 8;
const MOST_BYTES = 8 * 2 ** 30;
const BYTES_OF_FLOAT = 4;

/** Columns of all rows together; a column is the keys and values of one token, in every layer. */
export function mostColumns({ layers, kvHeads, headDim }: ArchitectureSpec, memoryBytes = os.totalmem()): number {
  const columnBytes = 2 * layers * kvHeads * headDim * BYTES_OF_FLOAT;
  return Math.floor(Math.min(MOST_BYTES, SHARE * memoryBytes) / columnBytes);
}
