/**
 * Gradient of causal attention without a (T, S) matrix (Dao et al. 2022, algorithm 4): the probabilities come back from
 * lse, P = exp(Q·K^T·scale + mask - lse), and with delta = rowsum(dO·O): dS = P·(dO·V^T - delta)·scale,
 * dQ = dS·K, dK = dS^T·Q, dV = P^T·dO, the last two summed over the query heads of a key head.
 * Three programs: lse and delta side by side, (B·H·T, 2); dQ per 16 queries; dK and dV per 16 keys.
 */
import { attentionSizes, QUERY_TILE } from './attention.ts';
import type { WebgpuKernels } from './kernel.ts';
import { runProgram, type Program } from './program.ts';
import { totalSnippet } from './reduce.ts';
import { accumulate, chunksOf, COLUMNS, declareResults, LANES, product, ROWS, shareWeights, tileDeclarations, writeResults, type Rows } from './tiles.ts';

const STATS_LANES = 32;
const SIZES = { H: 'u32', K: 'u32', T: 'u32', S: 'u32', D: 'u32', scale: 'f32' } as const;
const INPUTS = { q: 'f32', k: 'f32', v: 'f32', mask: 'f32', dOut: 'f32', stats: 'f32' } as const;

const STATS: Program = {
  key: 'GraftAttentionGrad stats',
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

/** `p` and `dS` of the lane's four (query t, key s) pairs; `query` is the index of t's row in stats. */
function probabilities(t: string, s: string, query: string): string {
  return `
    var p = vec4<f32>(0.0);
    var dS = vec4<f32>(0.0);
    for (var i = 0u; i < 4u; i++) {
      let t = ${t};
      let s = ${s};
      if (t < u.T && s < u.S) {
        p[i] = power(scores[i] * u.scale + mask[t * u.S + s] - stats[2u * (${query})]);
        dS[i] = p[i] * (dP[i] - stats[2u * (${query}) + 1u]) * u.scale;
      }
    }`;
}

function queryGradient(chunks: number): Program {
  const queries: Rows = { buffer: 'q', base: 'queries', first: 'first', limit: 'u.T' };
  const keys: Rows = { buffer: 'k', base: 'keys', first: 's0', limit: 'u.S' };
  return {
    key: `GraftAttentionGrad dq ${chunks}`,
    inputs: INPUTS,
    outputs: { dq: 'f32' },
    uniforms: SIZES,
    lanes: LANES,
    declarations: tileDeclarations(['q', 'k', 'v', 'dOut']),
    body: `${QUERY_TILE}
  let queries = head * u.T * u.D;
  let keys = keyHead * u.S * u.D;
  ${declareResults('acc', chunks)}
  for (var s0 = 0u; s0 < end; s0 += ${COLUMNS}u) {
    ${product('scores', queries, keys)}
    ${product('dP', { ...queries, buffer: 'dOut' }, { ...keys, buffer: 'v' })}
    ${probabilities('first + r', 's0 + sub + 8u * i', 'head * u.T + t')}
    ${shareWeights('dS')}
    ${accumulate('acc', keys, chunks)}
  }
  if (t >= u.T) { return; }
  ${writeResults('dq', 'queries + t * u.D', 'acc', '1.0', chunks)}`,
  };
}

function keyGradients(chunks: number): Program {
  const keys: Rows = { buffer: 'k', base: 'keys', first: 'first', limit: 'u.S' };
  const queries: Rows = { buffer: 'q', base: 'queries', first: 't0', limit: 'u.T' };
  const gradients: Rows = { ...queries, buffer: 'dOut' };
  return {
    key: `GraftAttentionGrad dk dv ${chunks}`,
    inputs: INPUTS,
    outputs: { dk: 'f32', dv: 'f32' },
    uniforms: SIZES,
    lanes: LANES,
    declarations: tileDeclarations(['q', 'k', 'v', 'dOut']),
    body: `
  let r = lane / 8u;
  let sub = lane % 8u;
  let tiles = (u.S + ${ROWS - 1}u) / ${ROWS}u;
  let first = (group % tiles) * ${ROWS}u;
  let keyHead = group / tiles;
  let keys = keyHead * u.S * u.D;
  let perKey = u.H / u.K;
  let begin = max(first + u.T, u.S) - u.S; // the first query that sees a key of this tile
  ${declareResults('accK', chunks)} ${declareResults('accV', chunks)}
  for (var g = 0u; g < perKey; g++) {
    let head = (keyHead / u.K) * u.H + (keyHead % u.K) * perKey + g;
    let queries = head * u.T * u.D;
    for (var t0 = begin; t0 < u.T; t0 += ${COLUMNS}u) {
      ${product('scores', keys, queries)}
      ${product('dP', { ...keys, buffer: 'v' }, gradients)}
      ${probabilities('t0 + sub + 8u * i', 'first + r', 'head * u.T + t')}
      ${shareWeights('p')}
      ${accumulate('accV', gradients, chunks)}
      ${shareWeights('dS')}
      ${accumulate('accK', queries, chunks)}
    }
  }
  if (first + r >= u.S) { return; }
  ${writeResults('dk', 'keys + (first + r) * u.D', 'accK', '1.0', chunks)}
  ${writeResults('dv', 'keys + (first + r) * u.D', 'accV', '1.0', chunks)}`,
  };
}

export const attentionGradKernels: WebgpuKernels = {
  GraftAttentionGrad(backend, { dy, q, k, v, mask, out, saved }, { scale }) {
    const { B, H, K, T, S, D } = attentionSizes(q!, k!, mask!);
    const sizes = { H, K, T, S, D, scale: scale as number };
    const [stats] = runProgram(backend, STATS, [out!, dy!, saved!], { D }, B * H * T, [[B * H * T, 2]]);
    const inputs = [q!, k!, v!, mask!, dy!, stats!];
    const dq = runProgram(backend, queryGradient(chunksOf(D)), inputs, sizes, B * H * Math.ceil(T / ROWS), [q!.shape]);
    const dkv = runProgram(backend, keyGradients(chunksOf(D)), inputs, sizes, B * K * Math.ceil(S / ROWS), [k!.shape, v!.shape]);
    backend.disposeData(stats!.dataId);
    return [...dq, ...dkv];
  },
};
