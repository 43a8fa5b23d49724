/**
 * Rotary positions (Su et al. 2021, eq. 34), half-split: y = [x1·cos - x2·sin, x2·cos + x1·sin]; one lane per pair.
 * The gradient turns the other way. cos, sin: a row of D/2 per position. x, y: a grid (B, H, T, D), the row of tables
 * being t; or rows of tokens (N, heads·D), the row being the token's position.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { WebgpuKernels } from './kernel.ts';
import { runProgram, type Program, type WebgpuBackend } from './program.ts';

const LANES = 256;

function rotation(onRows: boolean): Program {
  return {
    key: `GraftRotary ${onRows ? 'rows' : 'grid'}`,
    inputs: { x: 'f32', cosines: 'f32', sines: 'f32', ...(onRows ? { positions: 'i32' } : {}) },
    outputs: { y: 'f32' },
    uniforms: { pairs: 'u32', half: 'u32', perPosition: 'u32', direction: 'f32' },
    lanes: LANES,
    body: `
  let i = group * ${LANES}u + lane;
  if (i >= u.pairs) { return; }
  let row = i / u.half;
  let j = i % u.half;
  let first = row * 2u * u.half + j;
  let table = ${onRows ? 'u32(positions[row / u.perPosition])' : 'row % u.perPosition'} * u.half + j;
  let c = cosines[table];
  let s = u.direction * sines[table];
  let a = x[first];
  let b = x[first + u.half];
  y[first] = a * c - b * s;
  y[first + u.half] = b * c + a * s;`,
  };
}

const sizeOf = ({ shape }: tf.TensorInfo): number => shape.reduce((a, b) => a * b, 1);

/** Rows of tokens (N, heads·D) turned by their positions; without tables (empty tensors) the rows as they are. */
export function rotateRows(backend: WebgpuBackend, x: tf.TensorInfo, D: number, positions: tf.TensorInfo, cos: tf.TensorInfo, sin: tf.TensorInfo, direction: 1 | -1): tf.TensorInfo {
  if (sizeOf(cos) === 0) {
    backend.incRef(x.dataId);
    return x;
  }
  const pairs = sizeOf(x) / 2;
  const uniforms = { pairs, half: D / 2, perPosition: x.shape[1]! / D, direction };
  return runProgram(backend, rotation(true), [x, cos, sin, positions], uniforms, Math.ceil(pairs / LANES), [x.shape])[0]!;
}

export const rotaryKernels: WebgpuKernels = {
  GraftRotary(backend, { x, cos, sin }) {
    const [, , T, D] = x!.shape as [number, number, number, number];
    const pairs = sizeOf(x!) / 2;
    return runProgram(backend, rotation(false), [x!, cos!, sin!], { pairs, half: D / 2, perPosition: T, direction: 1 }, Math.ceil(pairs / LANES), [x!.shape]);
  },
};
