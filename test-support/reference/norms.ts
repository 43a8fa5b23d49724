/** RMSNorm and LayerNorm by their definitions, over the last axis. */
import { array64, type Array64 } from './array.ts';

/** y = x / sqrt(mean(x^2) + eps) * w. */
export function rmsNormReference(x: Array64, w: Array64, eps: number): Array64 {
  return perRow(x, (row) => {
    const meanSquare = row.reduce((sum, value) => sum + value * value, 0) / row.length;
    return row.map((value, j) => (value / Math.sqrt(meanSquare + eps)) * w.data[j]!);
  });
}

/** y = (x - mean) / sqrt(var + eps) * w + b, with the population variance. */
export function layerNormReference(x: Array64, w: Array64, b: Array64, eps: number): Array64 {
  return perRow(x, (row) => {
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
    return row.map((value, j) => ((value - mean) / Math.sqrt(variance + eps)) * w.data[j]! + b.data[j]!);
  });
}

function perRow(x: Array64, f: (row: Float64Array) => Float64Array): Array64 {
  const width = x.shape.at(-1)!;
  const out = array64(x.shape);
  for (let at = 0; at < x.data.length; at += width) out.data.set(f(x.data.subarray(at, at + width)), at);
  return out;
}
