/** Programs that take one element of each input to one of each output, all of the same shape. */
import type * as tf from '@tensorflow/tfjs-core';
import type { WebgpuBackend } from '../../backends/tfjsInternals.ts';
import { runProgram, type Program } from './program.ts';

export const ELEMENT_LANES = 256;

/**
 * WGSL of s(x) = 1/(1 + exp(-x)). Below -80, where s is under 2e-35, exp would leave float32, which WGSL does not
 * define.
 */
export const SIGMOID = 'fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-max(x, -80.0))); }';

/** `body` reads and writes the buffers at index `i`. */
export function elementProgram(
  key: string,
  inputs: string[],
  outputs: string[],
  declarations: string,
  body: string,
): Program {
  const floats = (names: string[]): Record<string, 'f32'> =>
    Object.fromEntries(names.map((name) => [name, 'f32' as const]));
  return {
    key,
    inputs: floats(inputs),
    outputs: floats(outputs),
    uniforms: { size: 'u32' },
    lanes: ELEMENT_LANES,
    declarations,
    body: `
  let i = group * ${ELEMENT_LANES}u + lane;
  if (i >= u.size) { return; }
  ${body}`,
  };
}

/** One result for each output of the program. */
export function runElements<Results extends 1 | 2>(
  backend: WebgpuBackend,
  program: Program,
  inputs: [tf.TensorInfo, ...tf.TensorInfo[]],
  results: Results,
): Results extends 1 ? [tf.TensorInfo] : [tf.TensorInfo, tf.TensorInfo];
export function runElements(
  backend: WebgpuBackend,
  program: Program,
  inputs: [tf.TensorInfo, ...tf.TensorInfo[]],
  results: 1 | 2,
): tf.TensorInfo[] {
  const { shape } = inputs[0];
  const size = shape.reduce((a, b) => a * b, 1);
  const shapes = new Array<number[]>(results).fill(shape);
  return runProgram(backend, program, inputs, { size }, Math.ceil(size / ELEMENT_LANES), shapes);
}
