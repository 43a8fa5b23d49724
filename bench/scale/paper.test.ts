/** The model of a ring. */
import { expect, it } from 'vitest';
import { efficiency, overlapped, ringMs } from './paper.ts';

const SLOW = { gigabitsPerSecond: 1, latencyMs: 0.05 };

it('two processes send the gradients once, many almost twice', () => {
  expect(ringMs(2, 1e6, SLOW)).toBeCloseTo(8 + 0.1, 9);
  expect(ringMs(512, 1e6, { ...SLOW, latencyMs: 0 })).toBeCloseTo(16 * (511 / 512), 9);
});

it('is all of a step without gradients, and half where sending takes as long as computing', () => {
  const fast = { gigabitsPerSecond: 1, latencyMs: 0 };
  expect(efficiency(8, { computeMs: 10, handOverMs: 0, bytes: 0 }, fast)).toBe(1);
  const parts = { computeMs: 8, handOverMs: 0, bytes: 1e6 };
  expect(efficiency(2, parts, fast)).toBeCloseTo(0.5, 9);
  expect(overlapped(2, parts, fast)).toBeCloseTo(8 / (8 + 8 / 3), 9);
});
