/** The judge's choices by hand, and intervals and tests against tables. */
import { expect, it } from 'vitest';
import { choiceOf, judgeQuestion, judgeReport } from './judge.ts';

const FIRST = { odds: [2, -1] as [number, number] };
const SECOND = { odds: [-1, 3] as [number, number] };
/** Whatever stands at A. */
const BIASED = { odds: [5, 5] as [number, number] };
const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

it('only what is said in both places is a choice', () => {
  expect(choiceOf(FIRST.odds)).toBe('first');
  expect(choiceOf(SECOND.odds)).toBe('second');
  expect(choiceOf(BIASED.odds)).toBe('undecided');
  expect(choiceOf([-1, -2])).toBe('undecided');
  expect(choiceOf([0, 0])).toBe('undecided');
});

it('a judge that looks at the place alone decides nothing', () => {
  const report = judgeReport(times(30, BIASED), times(12, BIASED));
  expect(report).toMatchObject({ wins: 0, losses: 0, undecided: 30, winRate: null });
  expect(report.trust).toMatchObject({
    enough: false,
    text: expect.stringMatching(/0 of 0 .* cannot decide 12/) as string,
  });
});

it('counts what it chooses, and what could not be put to it', () => {
  const { winRate, wins, losses, problems, chosen } = judgeReport(
    [...times(14, SECOND), ...times(6, FIRST), { problem: 'too long' }, BIASED],
    [],
  );
  expect([wins, losses, problems]).toEqual([14, 6, 1]);
  expect(winRate!.value).toBeCloseTo(0.7, 12);
  expect(chosen.slice(19)).toEqual(['first', null, 'undecided']);
});

it.each([
  // Of a binomial table: P(X >= 9 | 10) = 0.0107, P(X >= 8 | 10) = 0.0547, P(X >= 15 | 20) = 0.0207.
  [9, 1, true, /^It chooses as you do on 9 of 10 choices that it decides, and cannot decide 2\.$/],
  [8, 2, false, /a coin could do as well/],
  [15, 5, true, /15 of 20/],
  [5, 1, false, /too few to go by/],
])('%i of %i choices as the user: enough %s', (same, other, enough, text) => {
  const own = [...times(same, FIRST), ...times(other, SECOND), ...times(2, BIASED)];
  expect(judgeReport([], own).trust).toEqual({ enough, text: expect.stringMatching(text) as string });
});

it('without choices it says that nobody knows', () => {
  expect(judgeReport([FIRST], []).trust).toMatchObject({
    enough: false,
    text: expect.stringContaining('no choices') as string,
  });
});

it('the question names rubric, question, what is right, and both answers in their places', () => {
  const text = judgeQuestion({ prompt: 'Why?', references: [' Because.'] }, [' x ', 'y'], 'Be strict.');
  expect(text).toBe(
    'Be strict.\n\nQuestion: Why?\n\nRight would be, for example: Because.\n\nAnswer A: x\n\nAnswer B: y\n\n' +
      'Which answer is better, A or B? Reply with the letter alone.',
  );
});
