/**
 * LayerNorm (Ba et al. 2016), one workgroup per row: y = n·w + b, n = (x - mean)·r, r = 1/sqrt(var + eps).
 * Gradient with g = dy·w: dx = r·(g - mean(g) - n·mean(g·n)). x, y, n, dy, dx: (N, C), w, b: (C), r: (N, 1).
 */
import type { WebgpuKernels } from './kernel.ts';
import { runProgram, type Program } from './program.ts';
import { totalSnippet } from './reduce.ts';

const LANES = 128;

const FORWARD: Program = {
  key: 'GraftLayerNorm',
  inputs: { x: 'f32', w: 'f32', b: 'f32' },
  outputs: { y: 'f32', normed: 'f32', inverse: 'f32' },
  uniforms: { columns: 'u32', eps: 'f32' },
  lanes: LANES,
  declarations: totalSnippet(LANES),
  body: `
  let row = group * u.columns;
  var sum = 0.0;
  for (var c = lane; c < u.columns; c += ${LANES}u) { sum += x[row + c]; }
  let mean = total(sum, lane) / f32(u.columns);
  var squares = 0.0;
  for (var c = lane; c < u.columns; c += ${LANES}u) { squares += (x[row + c] - mean) * (x[row + c] - mean); }
  let r = inverseSqrt(total(squares, lane) / f32(u.columns) + u.eps);
  for (var c = lane; c < u.columns; c += ${LANES}u) {
    let n = (x[row + c] - mean) * r;
    normed[row + c] = n;
    y[row + c] = n * w[c] + b[c];
  }
  if (lane == 0u) { inverse[group] = r; }`,
};

const GRADIENT: Program = {
  key: 'GraftLayerNormGrad',
  inputs: { dy: 'f32', w: 'f32', normed: 'f32', inverse: 'f32' },
  outputs: { dx: 'f32' },
  uniforms: { columns: 'u32' },
  lanes: LANES,
  declarations: totalSnippet(LANES),
  body: `
  let row = group * u.columns;
  var sum = 0.0;
  var products = 0.0;
  for (var c = lane; c < u.columns; c += ${LANES}u) {
    let g = dy[row + c] * w[c];
    sum += g;
    products += g * normed[row + c];
  }
  let meanG = total(sum, lane) / f32(u.columns);
  let meanGn = total(products, lane) / f32(u.columns);
  for (var c = lane; c < u.columns; c += ${LANES}u) {
    dx[row + c] = inverse[group] * (dy[row + c] * w[c] - meanG - normed[row + c] * meanGn);
  }`,
};

export const layerNormKernels: WebgpuKernels = {
  GraftLayerNorm(backend, { x, w, b }, { eps }) {
    const [rows, columns] = x!.shape as [number, number];
    const shapes = [[rows, columns], [rows, columns], [rows, 1]];
    return runProgram(backend, FORWARD, [x!, w!, b!], { columns, eps: eps as number }, rows, shapes);
  },
  GraftLayerNormGrad(backend, { dy, w, normed, inverse }) {
    const [rows, columns] = dy!.shape as [number, number];
    return runProgram(backend, GRADIENT, [dy!, w!, normed!, inverse!], { columns }, rows, [[rows, columns]]);
  },
};
