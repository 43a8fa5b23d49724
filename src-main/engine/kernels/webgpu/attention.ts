/**
 * Causal attention with grouped queries in one pass over the keys (FlashAttention, Dao et al. 2022, algorithm 1, with
 * the loops exchanged as in Dao 2023): running maximum, sum and output per query; no (T, S) matrix of scores exists.
 * O = softmax(Q·K^T·scale + mask)·V. Kept for the gradient: lse = log sum exp of each query's scores, (B, H, T).
 * q, o: (B, H, T, D), k, v: (B, K, S, D), mask: (T, S), additive. One workgroup per 16 queries of one head.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { WebgpuKernels } from './kernel.ts';
import { runProgram, type Program } from './program.ts';
import { accumulate, chunksOf, COLUMNS, declareResults, LANES, product, ROWS, shareWeights, tileDeclarations, writeResults, type Rows } from './tiles.ts';

const QUERIES: Rows = { buffer: 'q', base: 'queries', first: 'first', limit: 'u.T' };
const KEYS: Rows = { buffer: 'k', base: 'keys', first: 's0', limit: 'u.S' };

export interface AttentionSizes {
  B: number;
  H: number;
  K: number;
  T: number;
  S: number;
  D: number;
}

/** Throws when the mask is not the one mask of all rows that the kernels read. */
export function attentionSizes(q: tf.TensorInfo, k: tf.TensorInfo, mask: tf.TensorInfo): AttentionSizes {
  const [B, H, T, D] = q.shape as [number, number, number, number];
  const [, K, S] = k.shape as [number, number, number];
  if (mask.shape.length !== 2 || mask.shape[0] !== T || mask.shape[1] !== S) {
    throw new Error(`GraftAttention on webgpu: mask of shape [${mask.shape.join(', ')}], wanted [${T}, ${S}]`);
  }
  return { B, H, K, T, S, D };
}

/** Keys from `end` on are seen by no query of the tile; the mask decides about those before. */
export const QUERY_TILE = `
  let r = lane / 8u;
  let sub = lane % 8u;
  let tiles = (u.T + ${ROWS - 1}u) / ${ROWS}u;
  let first = (group % tiles) * ${ROWS}u;
  let head = group / tiles;
  let t = first + r;
  let keyHead = (head / u.H) * u.K + (head % u.H) * u.K / u.H;
  let end = min(u.S, u.S - u.T + first + ${ROWS}u);`;

function forward(chunks: number): Program {
  const shrink = Array.from({ length: chunks }, (_, c) => `acc${c} *= shrink;`).join(' ');
  return {
    key: `GraftAttention ${chunks}`,
    inputs: { q: 'f32', k: 'f32', v: 'f32', mask: 'f32' },
    outputs: { o: 'f32', lse: 'f32' },
    uniforms: { H: 'u32', K: 'u32', T: 'u32', S: 'u32', D: 'u32', scale: 'f32' },
    lanes: LANES,
    declarations: `${tileDeclarations(['q', 'k', 'v'])} const LOWEST = -1e30;`,
    body: `${QUERY_TILE}
  let queries = head * u.T * u.D;
  let keys = keyHead * u.S * u.D;
  ${declareResults('acc', chunks)}
  var top = LOWEST;
  var sum = 0.0;
  for (var s0 = 0u; s0 < end; s0 += ${COLUMNS}u) {
    ${product('scores', QUERIES, KEYS)}
    for (var i = 0u; i < 4u; i++) {
      let s = s0 + sub + 8u * i;
      if (t < u.T && s < u.S) { scores[i] = scores[i] * u.scale + mask[t * u.S + s]; } else { scores[i] = LOWEST; }
    }
    parts[lane] = max(max(scores.x, scores.y), max(scores.z, scores.w));
    workgroupBarrier();
    var next = top;
    for (var j = 0u; j < 8u; j++) { next = max(next, parts[8u * r + j]); }
    let p = vec4<f32>(power(scores.x - next), power(scores.y - next), power(scores.z - next), power(scores.w - next));
    let shrink = power(top - next);
    top = next;
    sum = sum * shrink + p.x + p.y + p.z + p.w;
    ${shrink}
    ${shareWeights('p')}
    ${accumulate('acc', { ...KEYS, buffer: 'v' }, chunks)}
  }
  parts[lane] = sum;
  workgroupBarrier();
  if (t >= u.T) { return; }
  var all = 0.0;
  for (var j = 0u; j < 8u; j++) { all += parts[8u * r + j]; }
  ${writeResults('o', 'queries + t * u.D', 'acc', '(1.0 / all)', chunks)}
  if (sub == 0u) { lse[head * u.T + t] = top + log(all); }`,
  };
}

export const attentionKernels: WebgpuKernels = {
  GraftAttention(backend, { q, k, v, mask }, { scale }) {
    const { B, H, K, T, S, D } = attentionSizes(q!, k!, mask!);
    const groups = B * H * Math.ceil(T / ROWS);
    return runProgram(backend, forward(chunksOf(D)), [q!, k!, v!, mask!], { H, K, T, S, D, scale: scale as number }, groups, [[B, H, T, D], [B, H, T]]);
  },
};
