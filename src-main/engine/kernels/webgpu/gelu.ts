/**
 * GELU in the tanh form (Hendrycks & Gimpel 2016) by one sigmoid, as in ops/gelu.ts: y = x·s, s = sigmoid(x·(a + b·x^2)),
 * a = 2·sqrt(2/pi), b = 0.044715·a; dx = dy·(s + x·s·(1 - s)·(a + 3·b·x^2)). x, y: (N, F).
 */
import { elementProgram, runElements, SIGMOID } from './elementwise.ts';
import type { WebgpuKernels } from './kernel.ts';

const LINEAR = 2 * Math.sqrt(2 / Math.PI);
const CONSTANTS = `const LINEAR = f32(${LINEAR}); const CUBIC = f32(${LINEAR * 0.044715});`;

const FORWARD = elementProgram('GraftGelu', ['x'], ['y'], SIGMOID + CONSTANTS, 'y[i] = x[i] * sigmoid(x[i] * (LINEAR + CUBIC * x[i] * x[i]));');

const GRADIENT = elementProgram('GraftGeluGrad', ['dy', 'x'], ['dx'], SIGMOID + CONSTANTS, `
  let square = x[i] * x[i];
  let s = sigmoid(x[i] * (LINEAR + CUBIC * square));
  dx[i] = dy[i] * s * (1.0 + x[i] * (1.0 - s) * (LINEAR + 3.0 * CUBIC * square));`);

export const geluKernels: WebgpuKernels = {
  GraftGelu: (backend, { x }) => runElements(backend, FORWARD, [x!]),
  GraftGeluGrad: (backend, { dy, x }) => runElements(backend, GRADIENT, [dy!, x!]),
};
