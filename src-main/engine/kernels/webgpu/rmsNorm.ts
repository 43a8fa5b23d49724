/**
 * RMSNorm (Zhang & Sennrich 2019, eq. 4), one workgroup per row: y = x·r·w, r = 1/sqrt(mean(x^2) + eps).
 * Gradient with n = x·r and g = dy·w: dx = r·(g - n·mean(g·n)). x, y, dy, dx: (N, C), w: (C), r: (N, 1).
 */
import type { WebgpuKernels } from './kernel.ts';
import { runProgram, type Program } from './program.ts';
import { totalSnippet } from './reduce.ts';

const LANES = 128;

const FORWARD: Program = {
  key: 'GraftRmsNorm',
  inputs: { x: 'f32', w: 'f32' },
  outputs: { y: 'f32', inverse: 'f32' },
  uniforms: { columns: 'u32', eps: 'f32' },
  lanes: LANES,
  declarations: totalSnippet(LANES),
  body: `
  let row = group * u.columns;
  var squares = 0.0;
  for (var c = lane; c < u.columns; c += ${LANES}u) { squares += x[row + c] * x[row + c]; }
  let r = inverseSqrt(total(squares, lane) / f32(u.columns) + u.eps);
  for (var c = lane; c < u.columns; c += ${LANES}u) { y[row + c] = x[row + c] * r * w[c]; }
  if (lane == 0u) { inverse[group] = r; }`,
};

const GRADIENT: Program = {
  key: 'GraftRmsNormGrad',
  inputs: { dy: 'f32', x: 'f32', w: 'f32', inverse: 'f32' },
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
  for (var c = lane; c < u.columns; c += ${LANES}u) { dx[row + c] = r * (dy[row + c] * w[c] - x[row + c] * r * mean); }`,
};

export const rmsNormKernels: WebgpuKernels = {
  GraftRmsNorm(backend, { x, w }, { eps }) {
    const [rows, columns] = x!.shape as [number, number];
    return runProgram(backend, FORWARD, [x!, w!], { columns, eps: eps as number }, rows, [[rows, columns], [rows, 1]]);
  },
  GraftRmsNormGrad(backend, { dy, x, w, inverse }) {
    const [rows, columns] = x!.shape as [number, number];
    return runProgram(backend, GRADIENT, [dy!, x!, w!, inverse!], { columns }, rows, [[rows, columns]]);
  },
};
