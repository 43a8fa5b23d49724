/** Plain row-major float64 arrays for the naive references, and their gradients by central differences. */
import { Random } from '../../src-shared/random.ts';

export interface Array64 {
  shape: number[];
  data: Float64Array;
}

export function array64(shape: number[], data?: Float64Array): Array64 {
  return { shape, data: data ?? new Float64Array(shape.reduce((a, b) => a * b, 1)) };
}

/** N(0, 1) values that float32 holds exactly, so that engine and reference see the same inputs. */
export function randomArray(shape: number[], random: Random, std = 1): Array64 {
  return array64(
    shape,
    Float64Array.from(
      random.normal(
        shape.reduce((a, b) => a * b, 1),
        std,
      ),
    ),
  );
}

export function randomIds(count: number, below: number, seed: number): Int32Array {
  const random = new Random(seed);
  return Int32Array.from({ length: count }, () => random.integer(below));
}

/** d/dx of f at x for every element of x: (f(x + h) - f(x - h)) / 2h. The error is of order h^2, far below float32. */
export function centralDifferences(f: () => number, x: Array64, h = 1e-5): Float64Array {
  return x.data.map((value, i) => {
    x.data[i] = value + h;
    const above = f();
    x.data[i] = value - h;
    const below = f();
    x.data[i] = value;
    return (above - below) / (2 * h);
  });
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
