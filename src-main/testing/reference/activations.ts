/** GELU (tanh form) and SwiGLU, element by element. */
import { array64, type Array64 } from './array.ts';

/** y = 0.5·x·(1 + tanh(sqrt(2/pi)·(x + 0.044715·x^3))). */
export function geluReference(x: Array64): Array64 {
  return array64(x.shape, x.data.map((v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))));
}

/** y = g / (1 + exp(-g)) · u. */
export function swigluReference(gate: Array64, up: Array64): Array64 {
  return array64(gate.shape, gate.data.map((g, i) => (g / (1 + Math.exp(-g))) * up.data[i]!));
}
