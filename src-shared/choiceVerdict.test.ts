import { expect, test } from 'vitest';
import { verdictOfChoices, type ChoiceCurves } from './choiceVerdict.ts';
import type { RunVerdict } from './verdict.ts';

const IMPROVING: RunVerdict = { kind: 'still improving', seen: 'The validation loss fell.' };
const evaluation = (chosenReward: number, rejectedReward: number, accuracy: number) => ({
  chosenReward,
  rejectedReward,
  margin: chosenReward - rejectedReward,
  accuracy,
});
const steps = (accuracy: number[]): ChoiceCurves['steps'] => ({
  chosenReward: accuracy.map((_, i) => 0.1 * i),
  rejectedReward: accuracy.map((_, i) => -0.1 * i),
  accuracy,
});
const mixed = steps(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 0.5 : 1)));

test('answers that part are as the losses say', () => {
  const evaluations = [evaluation(0, 0, 0), evaluation(0.5, -0.75, 0.875)];
  expect(verdictOfChoices(IMPROVING, { steps: mixed, evaluations })).toEqual({
    kind: 'still improving',
    seen: 'The validation loss fell. It is right on 88 % of the held-out choices, with a margin of 1.2500.',
  });
});

test('all choices right: nothing is left to train longer for', () => {
  const evaluations = [evaluation(0, 0, 0), evaluation(0.5, -0.75, 1)];
  expect(verdictOfChoices(IMPROVING, { steps: mixed, evaluations }).kind).toBe('done');
});

test('both fall where the chosen answer has lost more than it is ahead', () => {
  const kind = (chosen: number, rejected: number) =>
    verdictOfChoices(IMPROVING, {
      steps: mixed,
      evaluations: [evaluation(0, 0, 0), evaluation(chosen, rejected, 0.9)],
    }).kind;
  expect(kind(-4, -6)).toBe('both fall');
  expect(kind(-2, -6)).toBe('still improving');
  // Without a reference rewards begin below 0.
  const evaluations = [evaluation(-3, -3.5, 0.6), evaluation(-2.5, -4, 0.9)];
  expect(verdictOfChoices(IMPROVING, { steps: mixed, evaluations }).kind).toBe('still improving');
});

test('right from the first steps on: too easy', () => {
  const easy = steps([0, ...Array.from({ length: 39 }, () => 1)]);
  const evaluations = [evaluation(0, 0, 0), evaluation(0.5, -0.75, 1)];
  expect(verdictOfChoices(IMPROVING, { steps: easy, evaluations }).kind).toBe('too easy');
  expect(verdictOfChoices({ ...IMPROVING, kind: 'overfits' }, { steps: easy, evaluations }).kind).toBe('overfits');
});

test('without evaluations the first and last tenth of the steps are told', () => {
  // The last four of 40: accuracies 0.5, 1, 0.5, 1; rewards of 3.6 to 3.9 against as much below 0.
  expect(verdictOfChoices(IMPROVING, { steps: mixed, evaluations: [] }).seen).toBe(
    'The validation loss fell. It is right on 75 % of the last choices, with a margin of 7.5000.',
  );
});
