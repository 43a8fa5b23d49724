/** A linear layer's low-rank part, one element after the other. */
import { array64, type Array64 } from './array.ts';

/** y + scale·(x·A^T)·B^T. x: (N, in), y: (N, out), A: (r, in), B: (out, r). */
export function loraLinearReference(x: Array64, y: Array64, A: Array64, B: Array64, scale: number): Array64 {
  const [[N, inner], [r], out] = [x.shape as [number, number], A.shape as [number], B.shape[0]!];
  const result = array64([N, out], y.data.slice());
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < r; k++) {
      let low = 0;
      for (let i = 0; i < inner; i++) low += x.data[n * inner + i]! * A.data[k * inner + i]!;
      for (let m = 0; m < out; m++) result.data[n * out + m]! += scale * low * B.data[m * r + k]!;
    }
  }
  return result;
}
