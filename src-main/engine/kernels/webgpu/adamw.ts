/**
 * AdamW's update of one tensor (Loshchilov & Hutter 2019, algorithm 2; see optim/adamw.ts) in one dispatch:
 * g <- scale·g; m' = b1·m + (1-b1)·g; v' = b2·v + (1-b2)·g^2; p' = keep·p - rate·m'/(root·sqrt(v') + eps).
 * p, m, v, g and results: one shape; scale: scalar tensor, known to the GPU only.
 */
import { adamwOp } from '../../optim/adamw.ts';
import { ELEMENT_LANES } from './elementwise.ts';
import { webgpuKernel } from './kernel.ts';
import { runProgram, type Program } from './program.ts';

const UPDATE: Program = {
  key: 'GraftAdamW',
  inputs: { p: 'f32', m: 'f32', v: 'f32', g: 'f32', scale: 'f32' },
  outputs: { nextP: 'f32', nextM: 'f32', nextV: 'f32' },
  uniforms: {
    size: 'u32',
    beta1: 'f32',
    rest1: 'f32',
    beta2: 'f32',
    rest2: 'f32',
    keep: 'f32',
    rate: 'f32',
    root: 'f32',
    eps: 'f32',
  },
  lanes: ELEMENT_LANES,
  body: `
  let i = group * ${ELEMENT_LANES}u + lane;
  if (i >= u.size) { return; }
  let gradient = scale[0] * g[i];
  let newM = u.beta1 * m[i] + u.rest1 * gradient;
  let newV = u.beta2 * v[i] + u.rest2 * gradient * gradient;
  nextM[i] = newM;
  nextV[i] = newV;
  nextP[i] = u.keep * p[i] - u.rate * newM / (u.root * sqrt(newV) + u.eps);`,
};

export const adamwKernels = [
  webgpuKernel(adamwOp, (backend, { p, m, v, g, scale }, rates) => {
    const { shape } = p;
    const size = shape.reduce((a, b) => a * b, 1);
    const uniforms = { ...rates, size, rest1: 1 - rates.beta1, rest2: 1 - rates.beta2 };
    const groups = Math.ceil(size / ELEMENT_LANES);
    return runProgram(backend, UPDATE, [p, m, v, g, scale], uniforms, groups, [shape, shape, shape]);
  }),
];
