import { expect, it } from 'vitest';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';
import { freshDraft } from './draft.ts';
import { dataProblem, methodProblem, ranksProblem, trainProblem } from './fieldProblems.ts';
import { rankBound } from './matrices.ts';

const lora = descriptorOf('lora');
const sizes = [
  { target: 'q', inFeatures: 64, outFeatures: 64 },
  { target: 'v', inFeatures: 64, outFeatures: 32 },
];

it('the rank is bounded by the narrowest matrix that takes it', () => {
  expect(rankBound(['0.q', '0.v'], {}, sizes)).toBe(32);
  expect(rankBound(['0.q', '0.v'], { '0.v': 4 }, sizes)).toBe(64);
  expect(rankBound(['0.q'], {}, [])).toBeUndefined();
  expect(methodProblem(lora, { rank: 32 }, 32)).toBeUndefined();
  expect(methodProblem(lora, { rank: 100_000 }, 32)).toBe('Rank must be a whole number from 1 to 32.');
  expect(methodProblem(lora, { rank: 0 }, undefined)).toBe('Rank must be a whole number from 1 on.');
  expect(methodProblem(lora, { rank: 1.5 }, 32)).toMatch(/whole number/);
  expect(ranksProblem({ '0.q': 64, '0.v': 33 }, sizes)).toBe('Rank of 0.v must be a whole number from 1 to 32.');
  expect(ranksProblem({ '0.v': 32 }, sizes)).toBeUndefined();
});

it('a number outside its bounds is a problem, not silently another number', () => {
  const { train } = freshDraft();
  const draft = (changes: object) => ({ lengthIn: 'epochs' as const, train: { ...train, ...changes } });
  expect(trainProblem(draft({}))).toBeUndefined();
  expect(trainProblem(draft({ val: 2 }))).toBe('Validation share must be a number from 0 to 0.9.');
  expect(trainProblem(draft({ lr: -1 }))).toBe('Learning rate must be a number above 0.');
  expect(trainProblem(draft({ batch: 1.5 }))).toBe('Batch size must be a whole number from 1 on.');
  expect(trainProblem(draft({ steps: 0 }))).toBeUndefined(); // the length is in epochs
  expect(trainProblem({ ...draft({ steps: 0 }), lengthIn: 'steps' })).toMatch(/^Steps must/);
  expect(methodProblem(lora, { dropout: 3 }, 32)).toMatch(/^Dropout must be a number from 0 to 0.95/);
  expect(dataProblem({ maxLength: 1 })).toBe('Maximum length must be a whole number from 2 on.');
  expect(dataProblem({ maxLength: undefined })).toBeUndefined();
});
