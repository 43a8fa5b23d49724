/**
 * SwiGLU's gate (Shazeer 2020, eq. 6): y = g·s·v with s = sigmoid(g); one pass each way. g (gate), v (up), y: (N, F).
 * dg = dy·v·s·(1 + g·(1 - s)), dv = dy·g·s.
 */
import { elementProgram, runElements, SIGMOID } from './elementwise.ts';
import { swigluGradOp, swigluOp } from '../../ops/swiglu.ts';
import { webgpuKernel } from './kernel.ts';

const FORWARD = elementProgram(
  'GraftSwiglu',
  ['gate', 'up'],
  ['y'],
  SIGMOID,
  'y[i] = gate[i] * sigmoid(gate[i]) * up[i];',
);

const GRADIENT = elementProgram(
  'GraftSwigluGrad',
  ['dy', 'gate', 'up'],
  ['dGate', 'dUp'],
  SIGMOID,
  `
  let g = gate[i];
  let s = sigmoid(g);
  dGate[i] = dy[i] * up[i] * s * (1.0 + g * (1.0 - s));
  dUp[i] = dy[i] * g * s;`,
);

export const swigluKernels = [
  webgpuKernel(swigluOp, (backend, { gate, up }) => runElements(backend, FORWARD, [gate, up], 1)),
  webgpuKernel(swigluGradOp, (backend, { dy, gate, up }) => runElements(backend, GRADIENT, [dy, gate, up], 2)),
];
