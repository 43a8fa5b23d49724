import { expect, it } from 'vitest';
import { allFinite } from './finite.ts';

const LARGEST = 3.4028234663852886e38;
const SMALLEST = 1.401298464324817e-45;

it.each([NaN, -NaN, Infinity, -Infinity])('finds %s at every place', (bad) => {
  for (const length of [1, 4, 5, 6, 7, 8]) {
    for (let at = 0; at < length; at++) {
      const values = new Float32Array(length).fill(1);
      values[at] = bad;
      expect(allFinite(values), `${at} of ${length}`).toBe(false);
    }
  }
});

it('takes every other value: the largest, subnormal ones, both zeros, none at all', () => {
  const some = [LARGEST, -LARGEST, SMALLEST, -SMALLEST, 0, -0, 1];
  for (let count = 0; count <= some.length; count++)
    expect(allFinite(Float32Array.from(some.slice(0, count)))).toBe(true);
  // What lies beside a view does not count.
  expect(allFinite(Float32Array.of(NaN, 1, 2, NaN).subarray(1, 3))).toBe(true);
});
