/**
 * LoRA's thin products (see ops/loraLinear.ts), r columns against many: low = s·x·p, y + low·p, and low^T·x summed
 * over the tokens. Each reads its large matrix once per 16 ranks; p is read by strides, so that both of its layouts
 * are one program. The sum over tokens is cut into spans of 256, whose partial sums a second program adds.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { ELEMENT_LANES } from './elementwise.ts';
import type { WebgpuBackend } from '../../backends/tfjsInternals.ts';
import { addLowRankOp, lowRankGradOp, lowRankOp } from '../../ops/loraLinear.ts';
import { webgpuKernel } from './kernel.ts';
import { runProgram, type Program } from './program.ts';

const LANES = 256;
/** Rows, or ranks, of a tile. */
const TILE = 16;
const DEPTH = 64;
const COLUMNS = 64;
/** Tokens that one workgroup sums over. */
const SPAN = 256;
/** One float more than a line needs, so that lines lie in different banks. */
const STRIDE = COLUMNS + 1;

/** low[n, k] = scale · sum over d of x[n, d]·p(k, d). One workgroup per 16 rows and 16 ranks, 64 along the sum. */
const PROJECT: Program = {
  key: 'GraftLowRank',
  inputs: { x: 'f32', p: 'f32' },
  outputs: { low: 'f32' },
  uniforms: { rows: 'u32', rank: 'u32', depth: 'u32', pRank: 'u32', pDepth: 'u32', scale: 'f32' },
  lanes: LANES,
  declarations: `var<workgroup> xs: array<f32, ${TILE * STRIDE}>; var<workgroup> ps: array<f32, ${TILE * STRIDE}>;`,
  body: `
  let blocks = (u.rank + ${TILE - 1}u) / ${TILE}u;
  let row0 = (group / blocks) * ${TILE}u;
  let rank0 = (group % blocks) * ${TILE}u;
  let row = lane / ${TILE}u;
  let rank = lane % ${TILE}u;
  var sum = 0.0;
  for (var d0 = 0u; d0 < u.depth; d0 += ${DEPTH}u) {
    for (var i = lane; i < ${TILE * DEPTH}u; i += ${LANES}u) {
      let line = i / ${DEPTH}u;
      let d = d0 + i % ${DEPTH}u;
      var value = 0.0;
      var weight = 0.0;
      if (d < u.depth && row0 + line < u.rows) { value = x[(row0 + line) * u.depth + d]; }
      if (d < u.depth && rank0 + line < u.rank) { weight = p[(rank0 + line) * u.pRank + d * u.pDepth]; }
      xs[line * ${STRIDE}u + i % ${DEPTH}u] = value;
      ps[line * ${STRIDE}u + i % ${DEPTH}u] = weight;
    }
    workgroupBarrier();
    for (var j = 0u; j < ${DEPTH}u; j++) { sum += xs[row * ${STRIDE}u + j] * ps[rank * ${STRIDE}u + j]; }
    workgroupBarrier();
  }
  if (row0 + row < u.rows && rank0 + rank < u.rank) { low[(row0 + row) * u.rank + rank0 + rank] = u.scale * sum; }`,
};

/** result[n, m] = (y[n, m] +) sum over k of low[n, k]·p(k, m). One workgroup per 16 rows and 64 columns. */
function expand(withY: boolean): Program {
  return {
    key: `GraftAddLowRank ${withY}`,
    inputs: { ...(withY ? { y: 'f32' } : {}), low: 'f32', p: 'f32' },
    outputs: { result: 'f32' },
    uniforms: { rows: 'u32', rank: 'u32', columns: 'u32', pRank: 'u32', pColumn: 'u32' },
    lanes: LANES,
    declarations: `var<workgroup> lows: array<f32, ${TILE * TILE}>; var<workgroup> ps: array<f32, ${TILE * STRIDE}>;`,
    body: `
  let blocks = (u.columns + ${COLUMNS - 1}u) / ${COLUMNS}u;
  let row0 = (group / blocks) * ${TILE}u;
  let column0 = (group % blocks) * ${COLUMNS}u;
  let row = lane / ${TILE}u;
  let first = lane % ${TILE}u;
  var sums = vec4<f32>(0.0);
  for (var k0 = 0u; k0 < u.rank; k0 += ${TILE}u) {
    var share = 0.0;
    if (row0 + row < u.rows && k0 + first < u.rank) { share = low[(row0 + row) * u.rank + k0 + first]; }
    lows[lane] = share;
    for (var i = lane; i < ${TILE * COLUMNS}u; i += ${LANES}u) {
      let k = k0 + i / ${COLUMNS}u;
      let m = column0 + i % ${COLUMNS}u;
      var weight = 0.0;
      if (k < u.rank && m < u.columns) { weight = p[k * u.pRank + m * u.pColumn]; }
      ps[(i / ${COLUMNS}u) * ${STRIDE}u + i % ${COLUMNS}u] = weight;
    }
    workgroupBarrier();
    for (var k = 0u; k < ${TILE}u; k++) {
      let at = k * ${STRIDE}u + first;
      sums += lows[row * ${TILE}u + k] * vec4<f32>(ps[at], ps[at + 16u], ps[at + 32u], ps[at + 48u]);
    }
    workgroupBarrier();
  }
  if (row0 + row >= u.rows) { return; }
  for (var i = 0u; i < 4u; i++) {
    let m = column0 + first + ${TILE}u * i;
    let at = (row0 + row) * u.columns + m;
    if (m < u.columns) { result[at] = ${withY ? 'y[at] + ' : ''}sums[i]; }
  }`,
  };
}

/**
 * partial[span, (k, m)] = sum over the span's tokens n of low[n, k]·x[n, m]. One workgroup per 16 ranks and 64 columns.
 */
const COLLECT: Program = {
  key: 'GraftLowRankGrad',
  inputs: { low: 'f32', x: 'f32' },
  outputs: { partial: 'f32' },
  uniforms: { rows: 'u32', rank: 'u32', columns: 'u32', outRank: 'u32', outColumn: 'u32' },
  lanes: LANES,
  declarations: `var<workgroup> lows: array<f32, ${TILE * TILE}>; var<workgroup> xs: array<f32, ${TILE * STRIDE}>;`,
  body: `
  let columnBlocks = (u.columns + ${COLUMNS - 1}u) / ${COLUMNS}u;
  let rankBlocks = (u.rank + ${TILE - 1}u) / ${TILE}u;
  let span = group / (columnBlocks * rankBlocks);
  let column0 = (group % columnBlocks) * ${COLUMNS}u;
  let rank0 = ((group / columnBlocks) % rankBlocks) * ${TILE}u;
  let end = min(u.rows, (span + 1u) * ${SPAN}u);
  let rank = lane / ${TILE}u;
  let first = lane % ${TILE}u;
  var sums = vec4<f32>(0.0);
  for (var n0 = span * ${SPAN}u; n0 < end; n0 += ${TILE}u) {
    var share = 0.0;
    if (n0 + rank < end && rank0 + first < u.rank) { share = low[(n0 + rank) * u.rank + rank0 + first]; }
    lows[lane] = share;
    for (var i = lane; i < ${TILE * COLUMNS}u; i += ${LANES}u) {
      let n = n0 + i / ${COLUMNS}u;
      let m = column0 + i % ${COLUMNS}u;
      var value = 0.0;
      if (n < end && m < u.columns) { value = x[n * u.columns + m]; }
      xs[(i / ${COLUMNS}u) * ${STRIDE}u + i % ${COLUMNS}u] = value;
    }
    workgroupBarrier();
    for (var n = 0u; n < ${TILE}u; n++) {
      let at = n * ${STRIDE}u + first;
      sums += lows[n * ${TILE}u + rank] * vec4<f32>(xs[at], xs[at + 16u], xs[at + 32u], xs[at + 48u]);
    }
    workgroupBarrier();
  }
  if (rank0 + rank >= u.rank) { return; }
  for (var i = 0u; i < 4u; i++) {
    let m = column0 + first + ${TILE}u * i;
    if (m < u.columns) { partial[span * u.rank * u.columns + (rank0 + rank) * u.outRank + m * u.outColumn] = sums[i]; }
  }`,
};

const ADD_SPANS: Program = {
  key: 'GraftLowRankGrad spans',
  inputs: { partial: 'f32' },
  outputs: { sum: 'f32' },
  uniforms: { size: 'u32', spans: 'u32' },
  lanes: ELEMENT_LANES,
  body: `
  let i = group * ${ELEMENT_LANES}u + lane;
  if (i >= u.size) { return; }
  var total = 0.0;
  for (var span = 0u; span < u.spans; span++) { total += partial[span * u.size + i]; }
  sum[i] = total;`,
};

const blocks = (count: number, size: number): number => Math.ceil(count / size);

function collect(backend: WebgpuBackend, low: tf.TensorInfo, x: tf.TensorInfo, transposed: boolean): [tf.TensorInfo] {
  const [rows, rank] = low.shape as [number, number];
  const [, columns] = x.shape as [number, number];
  const [shape, spans, size] = [transposed ? [columns, rank] : [rank, columns], blocks(rows, SPAN), rank * columns];
  const uniforms = { rows, rank, columns, outRank: transposed ? 1 : columns, outColumn: transposed ? rank : 1 };
  const groups = spans * blocks(columns, COLUMNS) * blocks(rank, TILE);
  const partial = runProgram(backend, COLLECT, [low, x], uniforms, groups, [spans === 1 ? shape : [spans, size]]);
  if (spans === 1) return partial;
  const sum = runProgram(backend, ADD_SPANS, partial, { size, spans }, blocks(size, ELEMENT_LANES), [shape]);
  backend.disposeData(partial[0].dataId);
  return sum;
}

/** The columns of p, or its rows where it is transposed. */
function columnsOf({ shape }: tf.TensorInfo, transposed: boolean): number {
  const [first, last] = shape as [number, number];
  return transposed ? first : last;
}

export const lowRankKernels = [
  webgpuKernel(lowRankOp, (backend, { x, p }, { scale, transposed }) => {
    const [rows, depth] = x.shape as [number, number];
    const rank = columnsOf(p, transposed);
    const uniforms = { rows, rank, depth, pRank: transposed ? depth : 1, pDepth: transposed ? 1 : rank, scale };
    return runProgram(backend, PROJECT, [x, p], uniforms, blocks(rows, TILE) * blocks(rank, TILE), [[rows, rank]]);
  }),
  webgpuKernel(addLowRankOp, (backend, { y, low, p }, { transposed }) => {
    const [rows, rank] = low.shape as [number, number];
    const columns = columnsOf(p, transposed);
    const uniforms = { rows, rank, columns, pRank: transposed ? 1 : columns, pColumn: transposed ? rank : 1 };
    const groups = blocks(rows, TILE) * blocks(columns, COLUMNS);
    const inputs = y ? [y, low, p] : [low, p];
    return runProgram(backend, expand(y !== undefined), inputs, uniforms, groups, [[rows, columns]]);
  }),
  webgpuKernel(lowRankGradOp, (backend, { low, x }, { transposed }) => collect(backend, low, x, transposed)),
];
