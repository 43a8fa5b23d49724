/**
 * Rotary positions (Su et al. 2021, eq. 34), half-split: y = [x1·cos - x2·sin, x2·cos + x1·sin]; one lane per pair.
 * The gradient turns the other way. x, y: (B, H, T, D), cos, sin: (T, D/2).
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { WebgpuKernels } from './kernel.ts';
import { runProgram, type Program, type WebgpuBackend } from './program.ts';

const LANES = 256;

const ROTATE: Program = {
  key: 'GraftRotary',
  inputs: { x: 'f32', cosines: 'f32', sines: 'f32' },
  outputs: { y: 'f32' },
  uniforms: { pairs: 'u32', half: 'u32', T: 'u32', direction: 'f32' },
  lanes: LANES,
  body: `
  let i = group * ${LANES}u + lane;
  if (i >= u.pairs) { return; }
  let row = i / u.half;
  let j = i % u.half;
  let first = row * 2u * u.half + j;
  let table = (row % u.T) * u.half + j;
  let c = cosines[table];
  let s = u.direction * sines[table];
  let a = x[first];
  let b = x[first + u.half];
  y[first] = a * c - b * s;
  y[first + u.half] = b * c + a * s;`,
};

function rotate(backend: WebgpuBackend, x: tf.TensorInfo, cos: tf.TensorInfo, sin: tf.TensorInfo, direction: 1 | -1): tf.TensorInfo[] {
  const [B, H, T, D] = x.shape as [number, number, number, number];
  const pairs = (B * H * T * D) / 2;
  return runProgram(backend, ROTATE, [x, cos, sin], { pairs, half: D / 2, T, direction }, Math.ceil(pairs / LANES), [x.shape]);
}

export const rotaryKernels: WebgpuKernels = {
  GraftRotary: (backend, { x, cos, sin }) => rotate(backend, x!, cos!, sin!, 1),
  GraftRotaryGrad: (backend, { dy, cos, sin }) => rotate(backend, dy!, cos!, sin!, -1),
};
