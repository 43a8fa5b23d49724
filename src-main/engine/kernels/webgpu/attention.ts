/**
 * Causal attention with grouped queries in one pass over the keys (FlashAttention, Dao et al. 2022, algorithm 1, with
 * the loops exchanged as in Dao 2023): running maximum, sum and output per query; no matrix of scores exists.
 * O = softmax(cap(Q·K^T·scale))·V over the keys that a query sees: those up to its own position, the last `window` of
 * them. Keys that no query of a tile sees are never loaded. One workgroup per 16 queries of one head.
 *
 * Two places where queries and keys may lie: rows of tokens, each row of the batch a segment from starts[b] to
 * starts[b + 1], q, o: (N, H·D), k, v: (N, K·D), kept for the gradient lse = log sum exp of each query's scores, (N,
 * H); or a grid as a cache holds it, q, o: (B, H, T, D), k, v: (B, K, S, D), the T queries at the end of the S keys.
 */
import { sameData } from '../../backends/tfjsInternals.ts';
import { attentionOp, type AttentionRule } from '../../ops/attention.ts';
import { rowsAttentionOp } from '../../ops/rowsAttention.ts';
import { webgpuKernel } from './kernel.ts';
import { runProgram, type Program } from './program.ts';
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

type Places = 'rows' | 'grid';

/** Keys seen however far back; as a window it cannot overflow when a position is added. */
const ALL = 0x7fffffff;

/** Where the tile of queries is: T, S, t, and floats of the buffers at which its head's queries and keys start. */
const QUERIES_AT: Record<Places, string> = {
  rows: `
  let begin = starts[head / u.H];
  let T = u32(starts[head / u.H + 1u] - begin);
  let S = T;
  let row0 = u32(begin);
  let queryStride = u.H * u.D;
  let keyStride = u.K * u.D;
  let queries = row0 * queryStride + (head % u.H) * u.D;
  let keys = row0 * keyStride + keyHead * u.D;`,
  grid: `
  let T = u.T;
  let S = u.S;
  let queryStride = u.D;
  let keyStride = u.D;
  let queries = head * T * u.D;
  let keys = ((head / u.H) * u.K + keyHead) * S * u.D;`,
};

/** The lane's query is t; the tile's queries see keys in [seen, end). */
export function queryTile(places: Places): string {
  return `
  let r = lane / 8u;
  let sub = lane % 8u;
  let tiles = (u.T + ${ROWS - 1}u) / ${ROWS}u;
  let first = (group % tiles) * ${ROWS}u;
  let head = group / tiles;
  let keyHead = (head % u.H) * u.K / u.H;
  ${QUERIES_AT[places]}
  if (first >= T) { return; }
  let t = first + r;
  let seen = max(S - T + first + 1u, u.window) - u.window;
  let end = min(S, S - T + first + ${ROWS}u);`;
}

export const SCORES = `
fn capped(score: f32) -> f32 {
  if (u.cap == 0.0) { return score; }
  return u.cap * tanh(clamp(score / u.cap, -20.0, 20.0));
}
fn sees(position: u32, key: u32) -> bool { return key <= position && key + u.window > position; }`;

/** The uniforms of a rule: window and cap, 0 for none. */
export function ruleUniforms({ window, cap }: AttentionRule): { window: number; cap: number } {
  return { window: window || ALL, cap };
}

function forward(places: Places, variant: TileVariant): Program {
  const shrink = Array.from({ length: variant.chunks }, (_, c) => `acc${c} *= shrink;`).join(' ');
  const queries: Rows = { buffer: 'q', base: 'queries', stride: 'queryStride', first: 'first', limit: 'T' };
  const keys: Rows = { buffer: 'k', base: 'keys', stride: 'keyStride', first: 's0', limit: 'end' };
  const element = elementOf(variant);
  const onRows = places === 'rows';
  return {
    key: `GraftAttention ${places} ${variantName(variant)}`,
    inputs: { q: element, k: element, v: element, ...(onRows ? { starts: 'i32' } : {}) },
    outputs: { o: element, ...(onRows ? { lse: 'f32' } : {}) },
    uniforms: { H: 'u32', K: 'u32', T: 'u32', S: 'u32', D: 'u32', window: 'u32', scale: 'f32', cap: 'f32' },
    lanes: LANES,
    declarations: `${tileDeclarations(['q', 'k', 'v'], variant)} ${SCORES} const LOWEST = -1e30;`,
    body: `${queryTile(places)}
  ${declareResults('acc', variant)}
  var top = LOWEST;
  var sum = 0.0;
  for (var s0 = seen; s0 < end; s0 += 32u) {
    ${product('scores', queries, keys)}
    for (var i = 0u; i < 4u; i++) {
      let s = s0 + sub + 8u * i;
      if (t < T && sees(S - T + t, s)) { scores[i] = capped(scores[i] * u.scale); } else { scores[i] = LOWEST; }
    }
    parts[lane] = max(max(scores.x, scores.y), max(scores.z, scores.w));
    workgroupBarrier();
    var next = top;
    for (var j = 0u; j < 8u; j++) { next = max(next, parts[8u * r + j]); }
    let p = vec4<f32>(power(scores.x, next), power(scores.y, next), power(scores.z, next), power(scores.w, next));
    let shrink = power(top, next);
    top = next;
    sum = sum * shrink + p.x + p.y + p.z + p.w;
    ${shrink}
    ${shareWeights('p')}
    ${accumulate('acc', { ...keys, buffer: 'v' }, variant)}
  }
  parts[lane] = sum;
  workgroupBarrier();
  if (t >= T) { return; }
  var all = 0.0;
  for (var j = 0u; j < 8u; j++) { all += parts[8u * r + j]; }
  ${writeResults('o', 'queries + t * queryStride', 'acc', '(1.0 / all)', variant)}
  ${onRows ? 'if (sub == 0u) { lse[(row0 + t) * u.H + head % u.H] = top + log(all); }' : ''}`,
  };
}

export const attentionKernels = [
  webgpuKernel(attentionOp, (backend, { q, k, v }, rule) => {
    const [B, H, T, D] = q.shape as [number, number, number, number];
    const [, K, S] = k.shape as [number, number, number];
    const uniforms = { H, K, T, S, D, scale: rule.scale, ...ruleUniforms(rule) };
    const groups = B * H * Math.ceil(T / ROWS);
    return runProgram(backend, forward('grid', variantOf(D)), [q, k, v], uniforms, groups, [q.shape]);
  }),

  webgpuKernel(rowsAttentionOp, (backend, { q, k, v, starts, positions, cos, sin }, attributes) => {
    const { B, T, H, K, scale } = attributes;
    const [N, width] = q.shape as [number, number];
    const D = width / H;
    const queries = rotateRows(backend, q, D, positions, cos, sin, 1);
    const keys = rotateRows(backend, k, D, positions, cos, sin, 1);
    const uniforms = { H, K, T, S: T, D, scale, ...ruleUniforms(attributes) };
    const groups = B * H * Math.ceil(T / ROWS);
    const inputs = [queries, keys, v, starts];
    const shapes: [number[], number[]] = [q.shape, [N, H]];
    const [out, lse] = runProgram(backend, forward('rows', variantOf(D)), inputs, uniforms, groups, shapes);
    return [out, queries, keys, sameData(backend, v), lse];
  }),
];
