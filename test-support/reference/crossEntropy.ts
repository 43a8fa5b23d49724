/** The summed cross-entropy of a linear projection, and the embedding look-up with its gradient. */
import { array64, type Array64 } from './array.ts';

/**
 * sum_i of (1-e)·-log p_i[y_i] + e·mean_v(-log p_i[v]), where log p_i[v] = h_i·w_v - log sum_u exp(h_i·w_u).
 * h: (M, C), w: (V, C).
 */
export function linearCrossEntropyReference(
  h: Array64,
  w: Array64,
  labels: Int32Array,
  { smoothing = 0, cap = 0 } = {},
): number {
  const [M, C] = h.shape as [number, number];
  const V = w.shape[0]!;
  let loss = 0;
  for (let i = 0; i < M; i++) {
    const logits = Array.from({ length: V }, (_, v) => {
      let sum = 0;
      for (let c = 0; c < C; c++) sum += h.data[i * C + c]! * w.data[v * C + c]!;
      return cap > 0 ? cap * Math.tanh(sum / cap) : sum;
    });
    const normaliser = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    const uniform = logits.reduce((sum, logit) => sum + normaliser - logit, 0) / V;
    loss += (1 - smoothing) * (normaliser - logits[labels[i]!]!) + smoothing * uniform;
  }
  return loss;
}

/** Row ids[i] of the table at i. table: (V, C). */
export function embeddingReference(table: Array64, ids: Int32Array): Array64 {
  const C = table.shape[1]!;
  const out = array64([ids.length, C]);
  ids.forEach((id, i) => out.data.set(table.data.subarray(id * C, (id + 1) * C), i * C));
  return out;
}

/** Row i of x is added to row indices[i] of a (V, C) matrix of zeros. */
export function scatterAddRowsReference(x: Array64, indices: Int32Array, V: number): Array64 {
  const C = x.shape[1]!;
  const out = array64([V, C]);
  indices.forEach((row, i) => {
    for (let c = 0; c < C; c++) out.data[row * C + c] = out.data[row * C + c]! + x.data[i * C + c]!;
  });
  return out;
}
