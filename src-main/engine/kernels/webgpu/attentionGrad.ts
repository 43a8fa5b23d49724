/**
 * Gradient of causal attention over rows of tokens (see attention.ts) without a matrix of scores (Dao et al. 2022,
 * algorithm 4): the probabilities come back from lse, P = exp(c - lse) with c = cap(Q·K^T·scale), and with
 * delta = rowsum(dO·O): dS = P·(dO·V^T - delta)·(1 - (c/cap)^2)·scale, dQ = dS·K, dK = dS^T·Q, dV = P^T·dO, the last
 * two summed over the query heads of a key head. Three programs: lse and delta side by side, (N·H, 2); dQ per 16
 * queries; dK and dV per 16 keys. Then dQ and dK are turned back by the rotary angles.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { queryTile, ruleUniforms, SCORES } from './attention.ts';
import type { WebgpuBackend } from '../../backends/tfjsInternals.ts';
import { rowsAttentionGradOp } from '../../ops/rowsAttention.ts';
import { webgpuKernel } from './kernel.ts';
import { runProgram, type Element, type Program } from './program.ts';
import { totalSnippet } from './reduce.ts';
import { rotateRows } from './rotary.ts';
import {
  accumulate,
  declareResults,
  elementOf,
  LANES,
  product,
  ROWS,
  shareWeights,
  tileDeclarations,
  variantName,
  variantOf,
  writeResults,
  type Rows,
  type TileVariant,
} from './tiles.ts';

const STATS_LANES = 32;
const SIZES = { H: 'u32', K: 'u32', T: 'u32', D: 'u32', window: 'u32', scale: 'f32', cap: 'f32' } as const;

const STATS: Program = {
  key: 'GraftRowsAttentionGrad stats',
  inputs: { o: 'f32', dOut: 'f32', lse: 'f32' },
  outputs: { stats: 'f32' },
  uniforms: { D: 'u32' },
  lanes: STATS_LANES,
  declarations: totalSnippet(STATS_LANES),
  body: `
  var products = 0.0;
  for (var d = lane; d < u.D; d += ${STATS_LANES}u) { products += o[group * u.D + d] * dOut[group * u.D + d]; }
  let delta = total(products, lane);
  if (lane == 0u) { stats[2u * group] = lse[group]; stats[2u * group + 1u] = delta; }`,
};

function inputs(variant: TileVariant): Record<string, Element> {
  const element = elementOf(variant);
  return { q: element, k: element, v: element, dOut: element, stats: 'f32', starts: 'i32' };
}

/** `p` and `dS` of the lane's four (query t, key s) pairs of query head `head`. */
function probabilities(t: string, s: string): string {
  return `
    var p = vec4<f32>(0.0);
    var dS = vec4<f32>(0.0);
    for (var i = 0u; i < 4u; i++) {
      let t = ${t};
      let s = ${s};
      if (t < T && sees(t, s)) {
        let query = 2u * ((row0 + t) * u.H + head % u.H);
        let score = capped(scores[i] * u.scale);
        p[i] = power(score, stats[query]);
        dS[i] = p[i] * (dP[i] - stats[query + 1u]) * u.scale;
        if (u.cap > 0.0) { dS[i] *= 1.0 - (score / u.cap) * (score / u.cap); }
      }
    }`;
}

function queryGradient(variant: TileVariant): Program {
  const queries: Rows = { buffer: 'q', base: 'queries', stride: 'queryStride', first: 'first', limit: 'T' };
  const keys: Rows = { buffer: 'k', base: 'keys', stride: 'keyStride', first: 's0', limit: 'end' };
  return {
    key: `GraftRowsAttentionGrad dq ${variantName(variant)}`,
    inputs: inputs(variant),
    outputs: { dq: elementOf(variant) },
    uniforms: SIZES,
    lanes: LANES,
    declarations: tileDeclarations(['q', 'k', 'v', 'dOut'], variant) + SCORES,
    body: `${queryTile('rows')}
  ${declareResults('acc', variant)}
  for (var s0 = seen; s0 < end; s0 += 32u) {
    ${product('scores', queries, keys)}
    ${product('dP', { ...queries, buffer: 'dOut' }, { ...keys, buffer: 'v' })}
    ${probabilities('first + r', 's0 + sub + 8u * i')}
    ${shareWeights('dS')}
    ${accumulate('acc', keys, variant)}
  }
  if (t >= T) { return; }
  ${writeResults('dq', 'queries + t * queryStride', 'acc', '1.0', variant)}`,
  };
}

function keyGradients(variant: TileVariant): Program {
  const keys: Rows = { buffer: 'k', base: 'keys', stride: 'keyStride', first: 'first', limit: 'T' };
  const queries: Rows = { buffer: 'q', base: 'queries', stride: 'queryStride', first: 't0', limit: 'end' };
  const gradients: Rows = { ...queries, buffer: 'dOut' };
  return {
    key: `GraftRowsAttentionGrad dk dv ${variantName(variant)}`,
    inputs: inputs(variant),
    outputs: { dk: elementOf(variant), dv: elementOf(variant) },
    uniforms: SIZES,
    lanes: LANES,
    declarations: tileDeclarations(['q', 'k', 'v', 'dOut'], variant) + SCORES,
    body: `
  let r = lane / 8u;
  let sub = lane % 8u;
  let tiles = (u.T + ${ROWS - 1}u) / ${ROWS}u;
  let first = (group % tiles) * ${ROWS}u;
  let segment = group / tiles / u.K;
  let keyHead = (group / tiles) % u.K;
  let begin = starts[segment];
  let T = u32(starts[segment + 1u] - begin);
  if (first >= T) { return; }
  let row0 = u32(begin);
  let queryStride = u.H * u.D;
  let keyStride = u.K * u.D;
  let keys = row0 * keyStride + keyHead * u.D;
  let perKey = u.H / u.K;
  let end = min(T, first + ${ROWS - 1}u + u.window); // the first query that sees no key of this tile any more
  ${declareResults('accK', variant)} ${declareResults('accV', variant)}
  for (var g = 0u; g < perKey; g++) {
    let head = keyHead * perKey + g;
    let queries = row0 * queryStride + head * u.D;
    for (var t0 = first; t0 < end; t0 += 32u) {
      ${product('scores', keys, queries)}
      ${product('dP', { ...keys, buffer: 'v' }, gradients)}
      ${probabilities('t0 + sub + 8u * i', 'first + r')}
      ${shareWeights('p')}
      ${accumulate('accV', gradients, variant)}
      ${shareWeights('dS')}
      ${accumulate('accK', queries, variant)}
    }
  }
  if (first + r >= T) { return; }
  ${writeResults('dk', 'keys + (first + r) * keyStride', 'accK', '1.0', variant)}
  ${writeResults('dv', 'keys + (first + r) * keyStride', 'accV', '1.0', variant)}`,
  };
}

/** Turns a gradient back by the rotary angles and frees it; where there are none, it stays. */
function turnBack(
  backend: WebgpuBackend,
  x: tf.TensorInfo,
  D: number,
  positions: tf.TensorInfo,
  cos: tf.TensorInfo,
  sin: tf.TensorInfo,
): tf.TensorInfo {
  const turned = rotateRows(backend, x, D, positions, cos, sin, -1);
  backend.disposeData(x.dataId);
  return turned;
}

export const attentionGradKernels = [
  webgpuKernel(rowsAttentionGradOp, (backend, { dy, out, q, k, v, kept, starts, positions, cos, sin }, attributes) => {
    const { B, T, H, K, scale } = attributes;
    const [N, width] = q.shape as [number, number];
    const D = width / H;
    const variant = variantOf(D);
    const sizes = { H, K, T, D, scale, ...ruleUniforms(attributes) };
    const [stats] = runProgram(backend, STATS, [out, dy, kept], { D }, N * H, [[N * H, 2]]);
    const tensors = [q, k, v, dy, stats, starts];
    const tiles = B * Math.ceil(T / ROWS);
    const [dq] = runProgram(backend, queryGradient(variant), tensors, sizes, tiles * H, [q.shape]);
    const [dk, dv] = runProgram(backend, keyGradients(variant), tensors, sizes, tiles * K, [k.shape, v.shape]);
    backend.disposeData(stats.dataId);
    return [turnBack(backend, dq, D, positions, cos, sin), turnBack(backend, dk, D, positions, cos, sin), dv];
  }),
];
