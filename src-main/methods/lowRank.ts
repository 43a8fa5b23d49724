/**
 * Rows of a low-rank product, summed in float64.
 */
import type { NamedTensor } from '../adapters/files.ts';
import type { LinearLayout } from '../engine/model/architecture.ts';

/** An update of rank r in the orientation of the weight: delta = left x right. */
export interface LowRank {
  rank: number;
  /** (rows, r). */
  left: Float32Array;
  /** (r, width), widened once rather than at each of many rows. */
  right: Float64Array;
  width: number;
}

/** A: (r, in), B: (out, r). B A for weights stored (out, in); (B A)^T = A^T B^T for weights stored (in, out). */
export function lowRankFor(A: NamedTensor, B: NamedTensor, layout: LinearLayout): LowRank {
  const [rank, inputs] = A.shape as [number, number];
  if (layout === 'out_in') return { rank, left: B.data, right: Float64Array.from(A.data), width: inputs };
  return { rank, left: transposed(A), right: Float64Array.from(transposed(B)), width: B.shape[0]! };
}

function transposed({ shape, data }: NamedTensor): Float32Array {
  const [rows, columns] = shape as [number, number];
  const result = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j]!;
  return result;
}

/** Fills `into` (width) with a row of left x right. */
export function lowRankRow({ rank, left, right, width }: LowRank, row: number, into: Float64Array): void {
  into.fill(0);
  const at = row * rank;
  for (let k = 0; k < rank; k += AT_ONCE)
    addProducts(into, left.subarray(at + k, at + Math.min(k + AT_ONCE, rank)), right, k * width);
}

/** Products summed in one pass over the row. */
const AT_ONCE = 4;

/** sum += factors x (the rows of `values` from `start` on); up to four factors. */
function addProducts(sum: Float64Array, factors: Float32Array, values: Float64Array, start: number): void {
  const width = sum.length;
  if (factors.length < AT_ONCE) {
    factors.forEach((factor, k) => {
      for (let j = 0; j < width; j++) sum[j] = sum[j]! + factor * values[start + k * width + j]!;
    });
    return;
  }
  const [a, b, c, d] = factors as unknown as [number, number, number, number];
  const [second, third, fourth] = [start + width, start + 2 * width, start + 3 * width];
  for (let j = 0; j < width; j++) {
    sum[j] =
      sum[j]! + a * values[start + j]! + b * values[second + j]! + c * values[third + j]! + d * values[fourth + j]!;
  }
}
