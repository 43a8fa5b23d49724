/**
 * RMSNorm (Zhang & Sennrich 2019, eq. 4), one workgroup per row: y = x·r·w, r = 1/sqrt(mean(x^2) + eps), where x may be
 * a residual sum that is made on the way. Gradient with n = x·r and g = dy·w: dx = r·(g - n·mean(g·n)) (+ the other
 * gradients of x). x, f, y, dy, dx: (N, C), w: (C), r: (N, 1).
 */
import { addRmsNormOp, rmsNormGradOp, rmsNormOp } from '../../ops/rmsNorm.ts';
import { webgpuKernel } from './kernel.ts';
import { runProgram, type Program } from './program.ts';
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

export const rmsNormKernels = [
  webgpuKernel(rmsNormOp, (backend, { x, w }, { eps }) => {
    const [rows, columns] = x.shape as [number, number];
    const shapes: [number[], number[]] = [x.shape, [rows, 1]];
    return runProgram(backend, forward(false), [x, w], { columns, eps }, rows, shapes);
  }),
  webgpuKernel(addRmsNormOp, (backend, { x, f, w }, { eps }) => {
    const [rows, columns] = x.shape as [number, number];
    const shapes: [number[], number[], number[]] = [x.shape, x.shape, [rows, 1]];
    return runProgram(backend, forward(true), [x, f, w], { columns, eps }, rows, shapes);
  }),
  webgpuKernel(rmsNormGradOp, (backend, { dy, x, w, inverse, others }) => {
    const [rows, columns] = x.shape as [number, number];
    const inputs = [dy, x, w, inverse, ...(others ? [others] : [])];
    return runProgram(backend, gradient(others !== undefined), inputs, { columns }, rows, [[rows, columns]]);
  }),
];
