/** GELU (both forms) and SwiGLU, element by element. */
import { array64, type Array64 } from './array.ts';

/** y = 0.5·x·(1 + tanh(sqrt(2/pi)·(x + 0.044715·x^3))). */
export function geluReference(x: Array64): Array64 {
  return array64(
    x.shape,
    x.data.map((v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))),
  );
}

/** y = x·Φ(x), with Φ as the integral of exp(-t^2/2)/sqrt(2·pi) up to x by Simpson's rule. */
export function geluExactReference(x: Array64): Array64 {
  const density = (t: number): number => Math.exp(-0.5 * t * t) / Math.sqrt(2 * Math.PI);
  const steps = 200; // up to |v| = 4 the rule is off by less than 1e-10
  const distribution = (v: number): number => {
    const width = v / steps;
    let sum = density(0) + density(v);
    for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * density(i * width);
    return 0.5 + (sum * width) / 3;
  };
  return array64(
    x.shape,
    x.data.map((v) => v * distribution(v)),
  );
}

/** y = g / (1 + exp(-g)) · u. */
export function swigluReference(gate: Array64, up: Array64): Array64 {
  return array64(
    gate.shape,
    gate.data.map((g, i) => (g / (1 + Math.exp(-g))) * up.data[i]!),
  );
}
