/**
 * LayerNorm (Ba et al. 2016), one workgroup per row: y = n·w + b, n = (x - mean)·r, r = 1/sqrt(var + eps), where x may
 * be a residual sum that is made on the way. Gradient with g = dy·w: dx = r·(g - mean(g) - n·mean(g·n)) (+ the other
 * gradients of x). x, f, y, n, dy, dx: (N, C), w, b: (C), r: (N, 1).
 */
import { addLayerNormOp, layerNormGradOp, layerNormOp } from '../../ops/layerNorm.ts';
import { webgpuKernel } from './kernel.ts';
import { runProgram, type Program } from './program.ts';
import { totalSnippet } from './reduce.ts';

const LANES = 128;

/** With `adds`, x is x0 + f. A lane reads back only what it has written itself. */
function forward(adds: boolean): Program {
  return {
    key: `GraftLayerNorm ${adds}`,
    inputs: { ...(adds ? { x0: 'f32', f: 'f32' } : { x: 'f32' }), w: 'f32', b: 'f32' },
    outputs: { ...(adds ? { x: 'f32' } : {}), y: 'f32', normed: 'f32', inverse: 'f32' },
    uniforms: { columns: 'u32', eps: 'f32' },
    lanes: LANES,
    declarations: totalSnippet(LANES),
    body: `
  let row = group * u.columns;
  var sum = 0.0;
  for (var c = lane; c < u.columns; c += ${LANES}u) {
    ${adds ? 'x[row + c] = x0[row + c] + f[row + c];' : ''}
    sum += x[row + c];
  }
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
}

function gradient(adds: boolean): Program {
  return {
    key: `GraftLayerNormGrad ${adds}`,
    inputs: { dy: 'f32', w: 'f32', normed: 'f32', inverse: 'f32', ...(adds ? { others: 'f32' } : {}) },
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
    let own = inverse[group] * (dy[row + c] * w[c] - meanG - normed[row + c] * meanGn);
    dx[row + c] = ${adds ? 'others[row + c] + ' : ''}own;
  }`,
  };
}

export const layerNormKernels = [
  webgpuKernel(layerNormOp, (backend, { x, w, b }, { eps }) => {
    const [rows, columns] = x.shape as [number, number];
    const shapes: [number[], number[], number[]] = [x.shape, x.shape, [rows, 1]];
    return runProgram(backend, forward(false), [x, w, b], { columns, eps }, rows, shapes);
  }),
  webgpuKernel(addLayerNormOp, (backend, { x, f, w, b }, { eps }) => {
    const [rows, columns] = x.shape as [number, number];
    const shapes: [number[], number[], number[], number[]] = [x.shape, x.shape, x.shape, [rows, 1]];
    return runProgram(backend, forward(true), [x, f, w, b], { columns, eps }, rows, shapes);
  }),
  webgpuKernel(layerNormGradOp, (backend, { dy, w, normed, inverse, others }) => {
    const [rows, columns] = dy.shape as [number, number];
    const inputs = [dy, w, normed, inverse, ...(others ? [others] : [])];
    return runProgram(backend, gradient(others !== undefined), inputs, { columns }, rows, [[rows, columns]]);
  }),
];
