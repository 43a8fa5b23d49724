/**
 * Inverted dropout (see ops/dropout.ts) without a mask in memory: whether element i stays is decided by a hash of the
 * seed and i (PCG, O'Neill 2014, in the form of Jarzynski & Olano 2020), forward and backward alike. x, y, dy, dx: one
 * shape.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { WebgpuBackend } from '../../backends/tfjsInternals.ts';
import { dropoutGradOp, dropoutOp, type DropoutRule } from '../../ops/dropout.ts';
import { ELEMENT_LANES } from './elementwise.ts';
import { webgpuKernel } from './kernel.ts';
import { runProgram, type Program } from './program.ts';

const DROP: Program = {
  key: 'GraftDropout',
  inputs: { x: 'f32' },
  outputs: { y: 'f32' },
  uniforms: { size: 'u32', seed: 'u32', rate: 'f32', keep: 'f32' },
  lanes: ELEMENT_LANES,
  declarations: `
fn hash(value: u32) -> u32 {
  let state = value * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}`,
  body: `
  let i = group * ${ELEMENT_LANES}u + lane;
  if (i >= u.size) { return; }
  let uniform01 = f32(hash(i ^ hash(u.seed)) >> 8u) / 16777216.0;
  y[i] = select(u.keep * x[i], 0.0, uniform01 < u.rate);`,
};

function drop(backend: WebgpuBackend, x: tf.TensorInfo, { rate, seed }: DropoutRule): tf.TensorInfo {
  const size = x.shape.reduce((a, b) => a * b, 1);
  const uniforms = { size, seed, rate, keep: 1 / (1 - rate) };
  return runProgram(backend, DROP, [x], uniforms, Math.ceil(size / ELEMENT_LANES), [x.shape])[0];
}

export const dropoutKernels = [
  webgpuKernel(dropoutOp, (backend, { x }, rule) => [drop(backend, x, rule), backend.makeTensorInfo([0], 'float32')]),
  webgpuKernel(dropoutGradOp, (backend, { dy }, rule) => [drop(backend, dy, rule)]),
];
