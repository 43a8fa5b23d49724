/** The formulas of the self-test in plain JavaScript, one element after the other in float64. */
export interface Matrix {
  rows: number;
  width: number;
  values: Float64Array;
}

export function product(a: Matrix, b: Matrix): Matrix {
  const values = new Float64Array(a.rows * b.width);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.width; j++) {
      let sum = 0;
      for (let k = 0; k < a.width; k++) sum += a.values[i * a.width + k]! * b.values[k * b.width + j]!;
      values[i * b.width + j] = sum;
    }
  }
  return { rows: a.rows, width: b.width, values };
}

export function transposed({ rows, width, values }: Matrix): Matrix {
  return {
    rows: width,
    width: rows,
    values: Float64Array.from({ length: rows * width }, (_, i) => values[(i % rows) * width + Math.floor(i / rows)]!),
  };
}

/** The first `count` values of one row. */
export function columns({ width, values }: Matrix, row: number, count: number): Float32Array {
  return Float32Array.from(values.subarray(row * width, row * width + count));
}

/** Each row divided by sqrt(mean(x²) + eps), times w. */
export function normOf({ rows, width, values }: Matrix, w: Float32Array, eps: number): Float64Array {
  const out = new Float64Array(rows * width);
  for (let i = 0; i < rows; i++) {
    const row = values.subarray(i * width, (i + 1) * width);
    const rms = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / width + eps);
    row.forEach((value, j) => (out[i * width + j] = (value / rms) * w[j]!));
  }
  return out;
}

/**
 * softmax(qk'/sqrt(D) over the keys up to the query's own position)·v; `heads / keyHeads` query heads share keys and
 * values.
 */
export function flatAttention({
  q,
  k,
  v,
  heads,
  keyHeads,
  T,
}: {
  q: Matrix;
  k: Matrix;
  v: Matrix;
  heads: number;
  keyHeads: number;
  T: number;
}): Float64Array {
  const D = q.width;
  const out = new Float64Array(heads * T * D);
  for (let row = 0; row < heads * T; row++) {
    const first = Math.floor((Math.floor(row / T) * keyHeads) / heads) * T;
    const weights = Array.from({ length: (row % T) + 1 }, (_, t) => {
      let dot = 0;
      for (let d = 0; d < D; d++) dot += q.values[row * D + d]! * k.values[(first + t) * D + d]!;
      return Math.exp(dot / Math.sqrt(D));
    });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    weights.forEach((weight, t) => {
      for (let d = 0; d < D; d++) out[row * D + d]! += (weight / total) * v.values[(first + t) * D + d]!;
    });
  }
  return out;
}

/** Sum over rows of logsumexp(h·w') - h·w[label]. */
export function crossEntropyOf(h: Matrix, w: Matrix, labels: Int32Array): number {
  const logits = product(h, transposed(w));
  let loss = 0;
  for (let i = 0; i < h.rows; i++) {
    const row = logits.values.subarray(i * logits.width, (i + 1) * logits.width);
    loss += Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - row[labels[i]!]!;
  }
  return loss;
}
