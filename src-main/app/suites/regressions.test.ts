import { expect, it } from 'vitest';
import type { ComparedSubject, ScoreDifference, SuiteComparison } from '../../../src-shared/suites.ts';
import { regressionOf } from './regressions.ts';

const difference = (value: number, low: number | null, high: number | null): ScoreDifference => ({
  ...{ value, low, high },
  ...{ wins: 0, losses: 0, ties: 0, winRate: null },
});

function compared(differences: ComparedSubject['differences']): SuiteComparison {
  const subjects = [{ name: 'old' }, { name: 'new', differences }];
  const metrics = ['bleu', 'exactMatch', 'loss', 'generalLoss'];
  return { suite: { name: 'facts' }, metrics, subjects } as unknown as SuiteComparison;
}

it('is a sentence with what is worse for sure, points that fall and losses that rise', () => {
  const sentence = regressionOf(
    compared({
      bleu: difference(-4.06, -7, -1),
      exactMatch: difference(-2, -5, 1),
      loss: difference(-0.1, -0.2, -0.05),
      generalLoss: difference(0.1, 0.05, 0.15),
    }),
  );
  expect(sentence).toBe(
    'new is worse than old on the suite facts: BLEU -4.1 (-7.0 to -1.0); General loss +0.1000 (+0.0500 to +0.1500).',
  );
});

it('is none where it is better, undecided, or has no interval', () => {
  expect(regressionOf(compared({ bleu: difference(4, 1, 7), loss: difference(0.1, -0.1, 0.3) }))).toBeUndefined();
  expect(regressionOf(compared({ bleu: difference(-4, null, null) }))).toBeUndefined();
  expect(regressionOf(compared({}))).toBeUndefined();
});
