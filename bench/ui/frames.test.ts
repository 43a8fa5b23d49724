import { expect, test } from 'vitest';
import { summary, type Span } from './frames.ts';

/** One after the other. */
function following(...lengths: number[]): Span[] {
  let at = 0;
  return lengths.map((ms) => ({ at: (at += ms) - ms, ms }));
}

test("a hundred frames of 16 ms and one of 80 are one jank; it is the page's own where a task held it", () => {
  const gaps = following(...Array<number>(99).fill(16), 80);
  const expected = { count: 100, medianMs: 16, p99Ms: 80, longestMs: 80, janks: 1 };
  expect(summary(gaps, [{ at: 1590, ms: 61 }])).toEqual({ ...expected, ownJanks: 1, longestTaskMs: 61 });
  expect(summary(gaps, [{ at: 100, ms: 61 }])).toEqual({ ...expected, ownJanks: 0, longestTaskMs: 61 });
  expect(summary(gaps, [])).toEqual({ ...expected, ownJanks: 0, longestTaskMs: 0 });
});

test('three whole frames are none, whatever the clock rounds', () => {
  expect(summary(following(50.1), []).janks).toBe(0);
  expect(summary(following(66.7), []).janks).toBe(1);
});

test('nothing seen is nothing', () => {
  expect(summary([], [])).toEqual({
    count: 0,
    medianMs: 0,
    p99Ms: 0,
    longestMs: 0,
    janks: 0,
    ownJanks: 0,
    longestTaskMs: 0,
  });
});
