/** Rotary positions and causal attention with grouped heads, one element after the other. */
import { array64, dot, type Array64 } from './array.ts';

export interface Rule {
  /** 0: none. */
  window: number;
  cap: number;
  /** Absent: 1/sqrt(D). */
  scale?: number;
}

/** Rotates (x[i], x[i + R/2]) by the angle of row t; floats from R on stay. x: (B, H, T, D), angles: (≥ T, R/2). */
export function rotaryReference(x: Array64, angles: Array64): Array64 {
  const [, , T, D] = x.shape as [number, number, number, number];
  const half = angles.shape[1]!;
  const y = array64(x.shape, Float64Array.from(x.data));
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

/** One query row with its keys: which it sees, the probabilities, and d score / d product of each. */
interface Query {
  query: number;
  keys: number[];
  p: number[];
  slopes: number[];
}

/** Query t sees keys S - T + t, the last of its window, and before; query head h uses key head floor(h·K/H). */
function* queries(q: Array64, k: Array64, { window, cap, scale = 1 / Math.sqrt(q.shape[3]!) }: Rule): Generator<Query> {
  const [B, H, T, D] = q.shape as [number, number, number, number];
  const [, K, S] = k.shape as [number, number, number, number];
  for (let query = 0; query < B * H * T; query++) {
    const head = Math.floor(query / T);
    const key0 = (Math.floor(head / H) * K + Math.floor(((head % H) * K) / H)) * S;
    const end = S - T + (query % T) + 1;
    const begin = window > 0 ? Math.max(0, end - window) : 0;
    const keys = Array.from({ length: end - begin }, (_, i) => key0 + begin + i);
    const raw = keys.map(
      (key) => dot(q.data.subarray(query * D, (query + 1) * D), k.data.subarray(key * D, (key + 1) * D)) * scale,
    );
    const scores = raw.map((score) => (cap > 0 ? cap * Math.tanh(score / cap) : score));
    const exps = scores.map(Math.exp);
    const total = exps.reduce((a, b) => a + b, 0);
    yield {
      query,
      keys,
      p: exps.map((e) => e / total),
      slopes: scores.map((score) => (cap > 0 ? 1 - (score / cap) ** 2 : 1) * scale),
    };
  }
}

/** q: (B, H, T, D), k and v: (B, K, S, D). */
export function attentionReference(q: Array64, k: Array64, v: Array64, rule: Rule = { window: 0, cap: 0 }): Array64 {
  const D = q.shape[3]!;
  const out = array64(q.shape);
  for (const { query, keys, p } of queries(q, k, rule)) {
    keys.forEach((key, i) =>
      addScaled(out.data.subarray(query * D, (query + 1) * D), v.data.subarray(key * D, (key + 1) * D), p[i]!),
    );
  }
  return out;
}

/** Gradients of sum(dy·attention(q, k, v)) by the chain rule, one (query, key) pair after the other. */
export function attentionGradientReference(
  q: Array64,
  k: Array64,
  v: Array64,
  dy: Array64,
  rule: Rule,
): { q: Array64; k: Array64; v: Array64 } {
  const D = q.shape[3]!;
  const [dq, dk, dv] = [q, k, v].map(({ shape }) => array64(shape)) as [Array64, Array64, Array64];
  const row = ({ data }: Array64, index: number): Float64Array => data.subarray(index * D, (index + 1) * D);
  for (const { query, keys, p, slopes } of queries(q, k, rule)) {
    const dP = keys.map((key) => dot(row(dy, query), row(v, key)));
    const mean = p.reduce((sum, probability, i) => sum + probability * dP[i]!, 0);
    keys.forEach((key, i) => {
      const dProduct = p[i]! * (dP[i]! - mean) * slopes[i]!;
      addScaled(row(dv, key), row(dy, query), p[i]!);
      addScaled(row(dk, key), row(q, query), dProduct);
      addScaled(row(dq, query), row(k, key), dProduct);
    });
  }
  return { q: dq, k: dk, v: dv };
}

function addScaled(target: Float64Array, x: Float64Array, factor: number): void {
  for (let i = 0; i < x.length; i++) target[i]! += factor * x[i]!;
}
