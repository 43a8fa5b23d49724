/**
 * RMSNorm (Zhang & Sennrich 2019, eq. 4), one workgroup per row: y = x·r·w, r = 1/sqrt(mean(x^2) + eps), where x may be
 * a residual sum that is made on the way. Gradient with n = x·r and g = dy·w: dx = r·(g - n·mean(g·n)) (+ the other
 * gradients of x). x, f, y, dy, dx: (N, C), w: (C), r: (N, 1).
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { WebgpuKernels } from './kernel.ts';
import { runProgram, type Program, type WebgpuBackend } from './program.ts';
import { totalSnippet } from './reduce.ts';

const LANES = 128;

/** With `adds`, x is x0 + f. A lane reads back only what it has written itself. */
function forward(adds: boolean): Program {
  return {
    key: `GraftRmsNorm ${adds}`,
    inputs: { ...(adds ? { x0: 'f32', f: 'f32' } : { x: 'f32' }), w: 'f32' },
    outputs: { ...(adds ? { x: 'f32' } : {}), y: 'f32', inverse: 'f32' },
    uniforms: { columns: 'u32', eps: 'f32' },
    lanes: LANES,
    declarations: totalSnippet(LANES),
    body: `
  let row = group * u.columns;
  var squares = 0.0;
  for (var c = lane; c < u.columns; c += ${LANES}u) {
    ${adds ? 'x[row + c] = x0[row + c] + f[row + c];' : ''}
    squares += x[row + c] * x[row + c];
  }
  let r = inverseSqrt(total(squares, lane) / f32(u.columns) + u.eps);
  for (var c = lane; c < u.columns; c += ${LANES}u) { y[row + c] = x[row + c] * r * w[c]; }
  if (lane == 0u) { inverse[group] = r; }`,
  };
}

function gradient(adds: boolean): Program {
  return {
    key: `GraftRmsNormGrad ${adds}`,
    inputs: { dy: 'f32', x: 'f32', w: 'f32', inverse: 'f32', ...(adds ? { others: 'f32' } : {}) },
    outputs: { dx: 'f32' },
    uniforms: { columns: 'u32' },
    lanes: LANES,
    declarations: totalSnippet(LANES),
    body: `
  let row = group * u.columns;
  let r = inverse[group];
  var products = 0.0;
  for (var c = lane; c < u.columns; c += ${LANES}u) { products += dy[row + c] * w[c] * x[row + c]; }
  let mean = total(products, lane) * r / f32(u.columns);
  for (var c = lane; c < u.columns; c += ${LANES}u) {
    dx[row + c] = ${adds ? 'others[row + c] + ' : ''}r * (dy[row + c] * w[c] - x[row + c] * r * mean);
  }`,
  };
}

function run(backend: WebgpuBackend, program: Program, inputs: tf.TensorInfo[], eps: number): tf.TensorInfo[] {
  const [rows, columns] = inputs[0]!.shape as [number, number];
  const shapes = Object.keys(program.outputs).map((name) => [rows, name === 'inverse' ? 1 : columns]);
  return runProgram(backend, program, inputs, { columns, eps }, rows, shapes);
}

export const rmsNormKernels: WebgpuKernels = {
  GraftRmsNorm: (backend, { x, w }, { eps }) => run(backend, forward(false), [x!, w!], eps as number),
  GraftAddRmsNorm: (backend, { x, f, w }, { eps }) => run(backend, forward(true), [x!, f!, w!], eps as number),
  GraftRmsNormGrad(backend, { dy, x, w, inverse, others }) {
    const [rows, columns] = x!.shape as [number, number];
    const inputs = [dy!, x!, w!, inverse!, ...(others ? [others] : [])];
    return runProgram(backend, gradient(others !== undefined), inputs, { columns }, rows, [[rows, columns]]);
  },
};
