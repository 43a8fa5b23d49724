/**
 * Rotary positions (Su et al. 2021, eq. 34), half-split: y = [x1·cos - x2·sin, x2·cos + x1·sin, rest]; one lane per
 * pair, and one per float of the rest. The gradient turns the other way. cos, sin: a row of `half` per position. x, y:
 * a grid (B, H, T, D), the row of tables being t; or rows of tokens (N, heads·D), the row being the token's position.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { rotaryOp } from '../../ops/rotary.ts';
import { webgpuKernel } from './kernel.ts';
import { sameData, type WebgpuBackend } from '../../backends/tfjsInternals.ts';
import { runProgram, type Program } from './program.ts';

const LANES = 256;

function rotation(onRows: boolean): Program {
  return {
    key: `GraftRotary ${onRows ? 'rows' : 'grid'}`,
    inputs: { x: 'f32', cosines: 'f32', sines: 'f32', ...(onRows ? { positions: 'i32' } : {}) },
    outputs: { y: 'f32' },
    uniforms: { lanes: 'u32', half: 'u32', D: 'u32', perPosition: 'u32', direction: 'f32' },
    lanes: LANES,
    body: `
  let i = group * ${LANES}u + lane;
  if (i >= u.lanes) { return; }
  let row = i / (u.D - u.half);
  let j = i % (u.D - u.half);
  let first = row * u.D + j;
  if (j >= u.half) { y[first + u.half] = x[first + u.half]; return; }
  let table = ${onRows ? 'u32(positions[row / u.perPosition])' : 'row % u.perPosition'} * u.half + j;
  let c = cosines[table];
  let s = u.direction * sines[table];
  let a = x[first];
  let b = x[first + u.half];
  y[first] = a * c - b * s;
  y[first + u.half] = b * c + a * s;`,
  };
}

/** Lanes for a tensor of heads of D floats each. */
function lanesOf(x: tf.TensorInfo, D: number, half: number): number {
  return (sizeOf(x) / D) * (D - half);
}

const sizeOf = ({ shape }: tf.TensorInfo): number => shape.reduce((a, b) => a * b, 1);

/** Rows of tokens (N, heads·D) turned by their positions; without tables (empty tensors) the rows as they are. */
export function rotateRows(
  backend: WebgpuBackend,
  x: tf.TensorInfo,
  D: number,
  positions: tf.TensorInfo,
  cos: tf.TensorInfo,
  sin: tf.TensorInfo,
  direction: 1 | -1,
): tf.TensorInfo {
  if (sizeOf(cos) === 0) return sameData(backend, x);
  const [, half] = cos.shape as [number, number];
  const [, width] = x.shape as [number, number];
  const lanes = lanesOf(x, D, half);
  const uniforms = { lanes, half, D, perPosition: width / D, direction };
  const inputs = [x, cos, sin, positions];
  return runProgram(backend, rotation(true), inputs, uniforms, Math.ceil(lanes / LANES), [x.shape])[0];
}

export const rotaryKernels = [
  webgpuKernel(rotaryOp, (backend, { x, cos, sin }) => {
    const [, , T, D] = x.shape as [number, number, number, number];
    const [, half] = cos.shape as [number, number];
    const lanes = lanesOf(x, D, half);
    const uniforms = { lanes, half, D, perPosition: T, direction: 1 };
    return runProgram(backend, rotation(false), [x, cos, sin], uniforms, Math.ceil(lanes / LANES), [x.shape]);
  }),
];
