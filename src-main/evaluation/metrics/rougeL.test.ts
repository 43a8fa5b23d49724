/** The cases of google-research's rouge_scorer_test.py, and rows worked by hand. */
import { expect, it } from 'vitest';
import { rougeL } from './rougeL.ts';

it.each([
  ['testing one', 'testing one two', 4 / 5],
  ['testing two', 'testing one two', 4 / 5],
  ['', 'testing one two', 0],
  ['w1', '', 0],
  ['/', 'w1 w2 w3 w4 w5', 0],
  // Lin 2004, section 3.1: both have three of four words of "police killed the gunman" in order, then two
  ['police kill the gunman', 'police killed the gunman', 3 / 4],
  ['the gunman kill police', 'police killed the gunman', 2 / 4],
  ['Größe, STRASSE', 'größe straße', 1 / 2],
])('F of %j beside %j is %d', (answer, reference, want) => {
  expect(rougeL(answer, [reference])).toBeCloseTo(want, 12);
});

it('takes the best of several references', () => {
  expect(rougeL('the gunman kill police', ['police killed the gunman', 'The gunman, kill police!'])).toBe(1);
  expect(rougeL('x', [])).toBe(0);
});
