import { expect, test } from 'vitest';
import { changeText, intervalText, rowsText, scoreText, verdictOf } from './words.ts';

const difference = (value: number, low: number | null, high: number | null) => ({
  ...{ value, low, high },
  ...{ wins: 3, ties: 1200, losses: 2, winRate: { value: 0.6, low: 0.231, high: 0.882 } },
});

test('scores are points or losses, with a dash where there is none', () => {
  expect(scoreText('bleu', 42.96)).toBe('43.0');
  expect(scoreText('loss', 0.14839)).toBe('0.1484');
  expect(scoreText('loss', undefined)).toBe('–');
});

test('changes have a sign and an interval', () => {
  expect(changeText('bleu', difference(-4.06, -7, -1))).toBe('−4.1');
  expect(intervalText('loss', difference(0.1, -0.02, 0.22))).toBe('−0.0200 to +0.2200');
  expect(intervalText('loss', difference(0.1, null, null))).toBe('');
  expect(rowsText(difference(1, 0, 2))).toBe('3 won, 1,200 tied, 2 lost (60 %, 23 % to 88 %)');
  expect(rowsText({ ...difference(0, 0, 0), winRate: null })).toBe('3 won, 1,200 tied, 2 lost');
});

test('better is what leaves zero on the side where more, or less loss, is', () => {
  expect(verdictOf('bleu', difference(4, 1, 7))).toBe('better');
  expect(verdictOf('bleu', difference(-4, -7, -1))).toBe('worse');
  expect(verdictOf('loss', difference(-0.2, -0.3, -0.1))).toBe('better');
  expect(verdictOf('generalLoss', difference(0.2, 0.1, 0.3))).toBe('worse');
  expect(verdictOf('bleu', difference(4, 0, 7))).toBe('undecided');
  expect(verdictOf('bleu', difference(4, null, null))).toBe('undecided');
});
