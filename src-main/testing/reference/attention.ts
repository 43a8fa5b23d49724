/** Rotary positions and causal attention with grouped heads, one element after the other. */
import { array64, dot, type Array64 } from './array.ts';

/** Rotates (x[i], x[i + D/2]) by the angle of row t. x: (B, H, T, D), angles: (T, D/2). */
export function rotaryReference(x: Array64, angles: Array64): Array64 {
  const [, , T, D] = x.shape as [number, number, number, number];
  const half = D / 2;
  const y = array64(x.shape);
  for (let row = 0; row < x.data.length / D; row++) {
    for (let i = 0; i < half; i++) {
      const angle = angles.data[(row % T) * half + i]!;
      const [a, b] = [x.data[row * D + i]!, x.data[row * D + half + i]!];
      y.data[row * D + i] = a * Math.cos(angle) - b * Math.sin(angle);
      y.data[row * D + half + i] = b * Math.cos(angle) + a * Math.sin(angle);
    }
  }
  return y;
}

/** Query t sees keys 0 .. S - T + t; query head h uses key head floor(h·K/H). q: (B, H, T, D), k and v: (B, K, S, D). */
export function attentionReference(q: Array64, k: Array64, v: Array64): Array64 {
  const [B, H, T, D] = q.shape as [number, number, number, number];
  const [, K, S] = k.shape as [number, number, number, number];
  const out = array64(q.shape);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const keyHead = (b * K + Math.floor((h * K) / H)) * S * D;
      for (let t = 0; t < T; t++) {
        const query = ((b * H + h) * T + t) * D;
        const visible = S - T + t + 1;
        const scores = Array.from({ length: visible }, (_, s) => {
          let sum = 0;
          for (let d = 0; d < D; d++) sum += q.data[query + d]! * k.data[keyHead + s * D + d]!;
          return Math.exp(sum / Math.sqrt(D));
        });
        const total = scores.reduce((a, c) => a + c, 0);
        for (let d = 0; d < D; d++) {
          out.data[query + d] = scores.reduce((sum, score, s) => sum + (score / total) * v.data[keyHead + s * D + d]!, 0);
        }
      }
    }
  }
  return out;
}

/** Gradients of sum(dy·attention(q, k, v)) by the chain rule, one (query, key) pair after the other. */
export function attentionGradientReference(q: Array64, k: Array64, v: Array64, dy: Array64): { q: Float64Array; k: Float64Array; v: Float64Array } {
  const [B, H, T, D] = q.shape as [number, number, number, number];
  const [, K, S] = k.shape as [number, number, number, number];
  const [dq, dk, dv] = [q, k, v].map(({ data }) => new Float64Array(data.length)) as [Float64Array, Float64Array, Float64Array];
  const row = (x: Float64Array, index: number): Float64Array => x.subarray(index * D, (index + 1) * D);
  for (let query = 0; query < B * H * T; query++) {
    const head = Math.floor(query / T);
    const key0 = (Math.floor(head / H) * K + Math.floor(((head % H) * K) / H)) * S;
    const visible = S - T + (query % T) + 1;
    const exps = Array.from({ length: visible }, (_, s) => Math.exp(dot(row(q.data, query), row(k.data, key0 + s)) / Math.sqrt(D)));
    const total = exps.reduce((a, b) => a + b, 0);
    const dP = exps.map((_, s) => dot(row(dy.data, query), row(v.data, key0 + s)));
    const mean = exps.reduce((sum, e, s) => sum + (e / total) * dP[s]!, 0);
    exps.forEach((e, s) => {
      const dScore = ((e / total) * (dP[s]! - mean)) / Math.sqrt(D);
      addScaled(row(dv, key0 + s), row(dy.data, query), e / total);
      addScaled(row(dk, key0 + s), row(q.data, query), dScore);
      addScaled(row(dq, query), row(k.data, key0 + s), dScore);
    });
  }
  return { q: dq, k: dk, v: dv };
}

function addScaled(target: Float64Array, x: Float64Array, factor: number): void {
  for (let i = 0; i < x.length; i++) target[i]! += factor * x[i]!;
}
