/** Axes of known values. */
import { describe, expect, it } from 'vitest';
import { logAxis, logPosition, valueAxis } from './plotScale.ts';

describe('logAxis', () => {
  it('begins and ends at the ticks around the values', () => {
    expect(logAxis([130, 410])).toEqual({ from: 100, to: 500, ticks: [100, 200, 500] });
    expect(logAxis([0.7, 3.9])).toEqual({ from: 0.5, to: 5, ticks: [0.5, 1, 2, 5] });
  });

  it('has room where all values are one tick', () => {
    const { from, to } = logAxis([200, 200]);
    expect(from).toBe(200);
    expect(to).toBe(500);
  });

  it('keeps only powers of ten over many of them', () => {
    expect(logAxis([0.002, 900]).ticks).toEqual([0.01, 0.1, 1, 10, 100, 1000]);
  });
});

it('valueAxis has a tick at each value once, in order, all inside', () => {
  const axis = valueAxis([256, 64, 256, 128]);
  expect(axis.ticks).toEqual([64, 128, 256]);
  for (const tick of axis.ticks) {
    expect(logPosition(tick, axis)).toBeGreaterThan(0);
    expect(logPosition(tick, axis)).toBeLessThan(1);
  }
});

it('logPosition gives equal factors equal distances', () => {
  const axis = { from: 10, to: 1000 };
  expect(logPosition(10, axis)).toBe(0);
  expect(logPosition(100, axis)).toBeCloseTo(0.5, 12);
  expect(logPosition(1000, axis)).toBe(1);
});
