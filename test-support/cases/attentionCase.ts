/** Cases of attention for the suites of ops: over a grid with a cache's keys, and over rows of tokens. */
import * as tf from '@tensorflow/tfjs-core';
import { fullRows, packedIndex, packingOf } from '../../src-main/engine/model/packing.ts';
import { attention, attentionMask } from '../../src-main/engine/ops/attention.ts';
import { rowsAttention } from '../../src-main/engine/ops/rowsAttention.ts';
import { Random } from '../../src-shared/random.ts';
import { toTensor, type OpCase } from './opCase.ts';
import { array64, randomArray, type Array64 } from '../reference/array.ts';
import { attentionReference, type Rule } from '../reference/attention.ts';
import { rowsAttentionGradientReference, rowsAttentionReference, type Segments } from '../reference/rowsAttention.ts';

/** T queries at the end of S keys; forward only. */
export function attentionCase(
  B: number,
  H: number,
  K: number,
  T: number,
  S: number,
  D: number,
  rule: Rule = { window: 0, cap: 0 },
): OpCase {
  const random = new Random(H * S * D);
  return {
    inputs: {
      q: randomArray([B, H, T, D], random),
      k: randomArray([B, K, S, D], random),
      v: randomArray([B, K, S, D], random),
    },
    engine: ({ q, k, v }) =>
      attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, attentionMask(T, S, rule.window), rule),
    reference: ({ q, k, v }) => attentionReference(q!, k!, v!, rule),
  };
}

export interface RowsCase {
  lengths: number[];
  heads: number;
  kvHeads: number;
  D: number;
  window?: number;
  cap?: number;
  scale?: number;
  /** `part`: about half of each head. */
  rotary?: boolean | 'part';
}

export function rowsAttentionCase({
  lengths,
  heads,
  kvHeads,
  D,
  window = 0,
  cap = 0,
  scale,
  rotary = false,
}: RowsCase): OpCase {
  const N = lengths.reduce((a, b) => a + b, 0);
  const [T, random] = [Math.max(...lengths), new Random(N * D)];
  const angles = rotary ? randomArray([T, rotary === 'part' ? Math.ceil(D / 4) : D / 2], random, 4) : null;
  const segments: Segments = { lengths, heads, kvHeads, rule: { window, cap, ...(scale ? { scale } : {}) }, angles };
  return {
    inputs: {
      q: randomArray([N, heads * D], random),
      k: randomArray([N, kvHeads * D], random),
      v: randomArray([N, kvHeads * D], random),
    },
    engine: ({ q, k, v }) =>
      tf.tidy(() =>
        rowsAttention(q as tf.Tensor2D, k as tf.Tensor2D, v as tf.Tensor2D, placesOf(lengths, T), {
          heads,
          kvHeads,
          window,
          cap,
          ...(scale ? { scale } : {}),
          mask: attentionMask(T, T, window),
          tables: angles && { cos: table(angles, Math.cos), sin: table(angles, Math.sin) },
        }),
      ),
    reference: ({ q, k, v }) => rowsAttentionReference(q!, k!, v!, segments),
    gradients: ({ q, k, v }, dy) => rowsAttentionGradientReference(q!, k!, v!, dy, segments),
  };
}

function placesOf(lengths: number[], T: number): Parameters<typeof rowsAttention>[3] {
  const mask = Int32Array.from(lengths.flatMap((length) => Array.from({ length: T }, (_, t) => Number(t < length))));
  return { B: lengths.length, T, ...(packingOf(packedIndex(mask), T) ?? fullRows(lengths.length, T, 0)) };
}

const table = (angles: Array64, f: (angle: number) => number): tf.Tensor2D =>
  toTensor(array64(angles.shape, angles.data.map(f))) as tf.Tensor2D;
