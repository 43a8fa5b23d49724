/** Reading /proc against lines from its manual page's layout, and the budget of repeated turns. */
import { describe, expect, it } from 'vitest';
import { isDisturbed, parseMachineTicks, parseProcessTicks, QuietTurns } from './otherLoad.ts';

describe('ticks', () => {
  it('counts idle and waiting cores as free, guests once', () => {
    expect(parseMachineTicks('cpu  10 1 5 100 20 2 3 4 7 0\ncpu0 1 1 1 1')).toEqual({ total: 145, busy: 25 });
  });

  it('adds a process and its ended children, whatever its name', () => {
    expect(parseProcessTicks('42 (a) b c) S 1 2 3 4 5 6 7 8 9 10 30 4 500 60 20 0 1 0')).toBe(594);
  });
});

describe('QuietTurns', () => {
  it('marks only what is above the threshold; an unknown load is no disturbance', () => {
    expect(isDisturbed({ ms: 1, otherShare: 0.2 })).toBe(true);
    expect(isDisturbed({ ms: 1, otherShare: 0.01 })).toBe(false);
    expect(isDisturbed({ ms: 1, otherShare: null })).toBe(false);
  });

  it('without a budget takes one turn and keeps its time', async () => {
    let turns = 0;
    const sample = await new QuietTurns(0).take([], async () => ++turns * 10);
    expect([sample.ms, turns]).toEqual([10, 1]);
  });
});
