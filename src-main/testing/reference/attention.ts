/** Rotary positions and causal attention with grouped heads, one element after the other. */
import { array64, type Array64 } from './array.ts';

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
