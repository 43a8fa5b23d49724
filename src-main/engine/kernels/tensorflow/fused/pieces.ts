/** Cutting a length into pieces of few sizes, since each size is compiled for itself. */

export interface Piece {
  start: number;
  size: number;
  /** Of what the piece gives, so much at its start has been given by the piece before. */
  skip: number;
}

/**
 * Pieces that cover `total`, `sizes` with the largest first. What is left in the end is covered by a piece of the least
 * size that begins earlier. Throws where `total` is shorter than that.
 */
export function piecesOf(total: number, sizes: readonly number[]): Piece[] {
  const least = sizes.at(-1) ?? 0;
  if (least <= 0 || total < least) throw new RangeError(`${total} cannot be cut into pieces of ${sizes.join(', ')}`);
  const pieces: Piece[] = [];
  let at = 0;
  for (const size of sizes) {
    for (; at + size <= total; at += size) pieces.push({ start: at, size, skip: 0 });
  }
  if (at < total) pieces.push({ start: total - least, size: least, skip: at - (total - least) });
  return pieces;
}

/** Elements of one piece: it takes far longer than starting it, and stays in the processor's cache. */
const MOST = 1 << 18;
export const LEAST_ELEMENTS = 1 << 15;

/** Sizes for work element by element. */
export const ELEMENTS: readonly number[] = [MOST, LEAST_ELEMENTS];

/** Sizes for work row by row, rows of C elements. */
export function rowSizes(C: number): readonly number[] {
  const powerOfTwo = (elements: number): number => 2 ** Math.max(0, Math.floor(Math.log2(elements / C)));
  return [...new Set([powerOfTwo(MOST / 2), powerOfTwo(LEAST_ELEMENTS)])];
}

/** Whether it is long enough to be cut. */
export function isLong({ shape }: { shape: number[] }, sizes: readonly number[]): boolean {
  return (shape[0] ?? 0) >= (sizes.at(-1) ?? Infinity);
}
