/**
 * GELU in the tanh form (Hendrycks & Gimpel 2016) by one sigmoid, as in ops/gelu.ts: y = x·s, s = sigmoid(x·(a +
 * b·x^2)), a = 2·sqrt(2/pi), b = 0.044715·a; dx = dy·(s + x·s·(1 - s)·(a + 3·b·x^2)). And GELU itself: y = x·Φ(x), dx =
 * dy·(Φ(x) + x·φ(x)), erf by Abramowitz & Stegun 1964, 7.1.26, which is exact to 1.5e-7. x, y: (N, F).
 */
import { elementProgram, runElements, SIGMOID } from './elementwise.ts';
import { geluGradOp, geluOp } from '../../ops/gelu.ts';
import { geluExactGradOp, geluExactOp } from '../../ops/geluExact.ts';
import { webgpuKernel } from './kernel.ts';

const LINEAR = 2 * Math.sqrt(2 / Math.PI);
const CONSTANTS = `const LINEAR = f32(${LINEAR}); const CUBIC = f32(${LINEAR * 0.044715});`;

const FORWARD = elementProgram(
  'GraftGelu',
  ['x'],
  ['y'],
  SIGMOID + CONSTANTS,
  'y[i] = x[i] * sigmoid(x[i] * (LINEAR + CUBIC * x[i] * x[i]));',
);

const GRADIENT = elementProgram(
  'GraftGeluGrad',
  ['dy', 'x'],
  ['dx'],
  SIGMOID + CONSTANTS,
  `
  let square = x[i] * x[i];
  let s = sigmoid(x[i] * (LINEAR + CUBIC * square));
  dx[i] = dy[i] * s * (1.0 + x[i] * (1.0 - s) * (LINEAR + 3.0 * CUBIC * square));`,
);

const NORMAL = `
fn density(x: f32) -> f32 { return ${1 / Math.sqrt(2 * Math.PI)} * exp(-min(0.5 * x * x, 80.0)); }
fn distribution(x: f32) -> f32 {
  let z = abs(x) * ${Math.SQRT1_2};
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  let tail = series * exp(-min(z * z, 80.0));
  return select(0.5 * tail, 1.0 - 0.5 * tail, x >= 0.0);
}`;

const EXACT = elementProgram('GraftGeluExact', ['x'], ['y'], NORMAL, 'y[i] = x[i] * distribution(x[i]);');

const EXACT_GRADIENT = elementProgram(
  'GraftGeluExactGrad',
  ['dy', 'x'],
  ['dx'],
  NORMAL,
  'dx[i] = dy[i] * (distribution(x[i]) + x[i] * density(x[i]));',
);

export const geluKernels = [
  webgpuKernel(geluOp, (backend, { x }) => runElements(backend, FORWARD, [x], 1)),
  webgpuKernel(geluGradOp, (backend, { dy, x }) => runElements(backend, GRADIENT, [dy, x], 1)),
  webgpuKernel(geluExactOp, (backend, { x }) => runElements(backend, EXACT, [x], 1)),
  webgpuKernel(geluExactGradOp, (backend, { dy, x }) => runElements(backend, EXACT_GRADIENT, [dy, x], 1)),
];
