import { describe, expect, it } from 'vitest';
import { durationMs, limitMs, signalSeconds } from './duration.ts';

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];

describe('times of Slurm', () => {
  it.each([
    ['364-23:59:58', 365 * DAY - 2 * SECOND],
    ['1:02:03', HOUR + 2 * MINUTE + 3 * SECOND],
    ['4:59', 5 * MINUTE - SECOND],
    ['0:00', 0],
    ['UNLIMITED', null],
    ['INVALID', null],
    ['', null],
  ])('%s, as squeue prints it', (text, ms) => expect(durationMs(text)).toBe(ms));

  // The six forms of sbatch's manual.
  it.each([
    ['90', 90 * MINUTE],
    ['90:30', 90 * MINUTE + 30 * SECOND],
    ['1:30:00', 90 * MINUTE],
    ['2-6', 2 * DAY + 6 * HOUR],
    ['2-6:30', 2 * DAY + 6 * HOUR + 30 * MINUTE],
    ['2-6:30:15', 2 * DAY + 6 * HOUR + 30 * MINUTE + 15 * SECOND],
    ['UNLIMITED', null],
    ['a$(touch x)', null],
  ])('%s, as sbatch takes it', (text, ms) => expect(limitMs(text)).toBe(ms));

  it('tells a job 2 minutes ahead of its end, and one of short time after two thirds of it', () => {
    expect([undefined, 'UNLIMITED', '1-0', '6'].map(signalSeconds)).toEqual([120, 120, 120, 120]);
    expect(['3', '1', '0:2'].map(signalSeconds)).toEqual([60, 20, 1]);
  });
});
