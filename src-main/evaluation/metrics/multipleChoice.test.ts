/** lm-evaluation-harness: argmax of the log-likelihoods, and of those divided by len(choice). */
import { expect, it } from 'vitest';
import { likeliest, likeliestByLength } from './multipleChoice.ts';

it('chooses the whole that is likeliest, or the likeliest by character', () => {
  const choices = ['no', 'certainly not'];
  // -4 > -6, but -4 / 2 = -2 < -6 / 13
  expect(likeliest([-4, -6])).toBe(0);
  expect(likeliestByLength([-4, -6], choices)).toBe(1);
  // by characters as Python counts them, not by UTF-16 units: -3 / 1 and -4 / 2, where units would give -3 / 2
  expect(likeliestByLength([-3, -4], ['😀', 'ab'])).toBe(1);
});

it('of equal ones chooses the first, as numpy does', () => {
  expect(likeliest([-2, -1, -1])).toBe(1);
});
