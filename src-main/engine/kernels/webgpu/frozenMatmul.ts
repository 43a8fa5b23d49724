/**
 * Products with a frozen weight W (R, C) that stays packed, dequantised as its tiles are loaded: f16 two to a word, or
 * int8 with one scale per row four to a word (W = scale·q). Both directions: x·W^T (N, C) -> (N, R) and
 * x·W (N, R) -> (N, C), accumulated in float32. One workgroup per 64 x 64 results, 4 x 4 per lane, 16 along the sum.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { runProgram, type Program, type WebgpuBackend } from './program.ts';

export type FrozenFormat = 'f16' | 'int8';

export interface FrozenWeight {
  format: FrozenFormat;
  R: number;
  C: number;
  /** (R · wordsPerRow) int32. */
  words: tf.TensorInfo;
  /** (R) float32; ones for f16. */
  scales: tf.TensorInfo;
}

const LANES = 256;
const TILE = 64;
const DEPTH = 16;
/** One float more than a row needs, so that the lanes that load a column lie in different banks. */
const STRIDE = TILE + 1;

const UNPACK: Record<FrozenFormat, string> = {
  f16: 'fn weight(r: u32, c: u32) -> f32 { return unpack2x16float(words[r * u.wordsPerRow + c / 2u])[c % 2u]; }',
  int8: 'fn weight(r: u32, c: u32) -> f32 { return scales[r] * f32(extractBits(i32(words[r * u.wordsPerRow + c / 4u]), 8u * (c % 4u), 8u)); }',
};

export const valuesPerWord: Record<FrozenFormat, number> = { f16: 2, int8: 4 };

function program(format: FrozenFormat, transposed: boolean): Program {
  // Neighbouring lanes read neighbouring columns of W in both directions.
  const [m, k] = transposed ? [`i / ${DEPTH}u`, `i % ${DEPTH}u`] : [`i % ${TILE}u`, `i / ${TILE}u`];
  const [row, column] = transposed ? ['m0 + m', 'k0 + k'] : ['k0 + k', 'm0 + m'];
  const four = (tile: string, at: string): string => `vec4<f32>(${[0, 1, 2, 3].map((i) => `${tile}[k * ${STRIDE}u + 4u * ${at} + ${i}u]`).join(', ')})`;
  return {
    key: `frozenMatmul ${format} ${transposed ? 'x W^T' : 'x W'}`,
    inputs: { x: 'f32', words: 'u32', ...(format === 'int8' ? { scales: 'f32' as const } : {}) },
    outputs: { y: 'f32' },
    uniforms: { N: 'u32', inner: 'u32', width: 'u32', wordsPerRow: 'u32' },
    lanes: LANES,
    declarations: `
var<workgroup> xTile: array<f32, ${DEPTH * STRIDE}>;
var<workgroup> wTile: array<f32, ${DEPTH * STRIDE}>;
${UNPACK[format]}`,
    body: `
  let across = (u.width + ${TILE - 1}u) / ${TILE}u;
  let n0 = (group / across) * ${TILE}u;
  let m0 = (group % across) * ${TILE}u;
  let tx = lane % 16u;
  let ty = lane / 16u;
  var acc: array<vec4<f32>, 4>;
  for (var k0 = 0u; k0 < u.inner; k0 += ${DEPTH}u) {
    for (var i = lane; i < ${TILE * DEPTH}u; i += ${LANES}u) {
      let n = n0 + i / ${DEPTH}u;
      let d = k0 + i % ${DEPTH}u;
      var value = 0.0;
      if (n < u.N && d < u.inner) { value = x[n * u.inner + d]; }
      xTile[(i % ${DEPTH}u) * ${STRIDE}u + i / ${DEPTH}u] = value;
      let m = ${m};
      let k = ${k};
      var w = 0.0;
      if (m0 + m < u.width && k0 + k < u.inner) { w = weight(${row}, ${column}); }
      wTile[k * ${STRIDE}u + m] = w;
    }
    workgroupBarrier();
    for (var k = 0u; k < ${DEPTH}u; k++) {
      let a = ${four('xTile', 'ty')};
      let b = ${four('wTile', 'tx')};
      acc[0] += a.x * b;
      acc[1] += a.y * b;
      acc[2] += a.z * b;
      acc[3] += a.w * b;
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      let n = n0 + 4u * ty + i;
      let m = m0 + 4u * tx + j;
      if (n < u.N && m < u.width) { y[n * u.width + m] = acc[i][j]; }
    }
  }`,
  };
}

/** `transposed`: x·W^T, x (N, C), to (N, R); otherwise x·W, x (N, R), to (N, C). */
export function frozenMatmul(backend: WebgpuBackend, x: tf.TensorInfo, { format, R, C, words, scales }: FrozenWeight, transposed: boolean): tf.TensorInfo {
  const N = x.shape[0]!;
  const [inner, width] = transposed ? [C, R] : [R, C];
  const uniforms = { N, inner, width, wordsPerRow: Math.ceil(C / valuesPerWord[format]) };
  const inputs = format === 'int8' ? [x, words, scales] : [x, words];
  const groups = Math.ceil(N / TILE) * Math.ceil(width / TILE);
  return runProgram(backend, program(format, transposed), inputs, uniforms, groups, [[N, width]])[0]!;
}
