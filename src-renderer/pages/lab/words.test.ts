import { expect, it } from 'vitest';
import { amplificationWords } from './amplificationWords.ts';
import { intruderWords } from './intruderWords.ts';
import { median, similarityWords } from './similarityWords.ts';

const pair = (layer: number, a: number[], randomA: number[]) => ({
  name: `model.layers.${layer}.self_attn.q_proj`,
  ...{ a, randomA, b: a, randomB: randomA, grassmannA: 1, grassmannB: 1 },
});

it('two adapters share much, more than chance, or nothing', () => {
  const words = (phi: number, chance: number) => similarityWords({ pairs: [pair(0, [phi], [chance])] }, 'a', 1)[0];
  expect(words(0.8, 0.05)).toBe(
    'The two share much of their first direction: 0.80 in the median of 1 matrix, by chance 0.05.',
  );
  expect(words(0.24, 0.05)).toMatch(/^The two share more of their first direction than chance gives: 0.24/);
  expect(words(0.24, 0.2)).toMatch(/^The two share hardly more of their first direction than chance gives/);
});

it('compares as many directions as both have, and names the matrix that shares most', () => {
  const pairs = [pair(0, [0.1, 0.2, 0.3], [0.1, 0.1, 0.1]), pair(7, [0.1, 0.7], [0.1, 0.1]), pair(9, [], [])];
  expect(similarityWords({ pairs }, 'b', 3)).toEqual([
    'The two share much of their first 3 directions: 0.50 in the median of 2 matrices, by chance 0.10.',
    'Most is shared in layer 7 q, 0.70.',
  ]);
  expect(similarityWords({ pairs: [pair(0, [], [])] }, 'a', 1)).toEqual([
    'No matrix has a direction in both adapters.',
  ]);
  expect([median([3, 1, 2]), median([4, 1])]).toEqual([2, 2.5]);
});

it('what is amplified, of the medians over the matrices', () => {
  const one = (layer: number, factor: number | null) => ({
    name: `model.layers.${layer}.self_attn.q_proj`,
    ...{ deltaNorm: 1, weightNorm: 10, inDelta: 1, inWeight: 5, inRandom: 0.5, factor },
  });
  expect(amplificationWords([one(0, 2), one(1, 4), one(2, null)])).toEqual([
    'The directions of the update hold 20 % of what W has in its own (random ones: 10 %), and the update is 3.0 ' +
      'times as large there; medians over the matrices.',
    'Most is amplified in layer 1 q, 4.0 times what W has there.',
  ]);
  expect(amplificationWords([one(0, null)])).toEqual(['Every update is zero: the adapter changes nothing.']);
});

it('intruders are counted, with the matrix that has most', () => {
  const one = (layer: number, count: number) => ({
    name: `model.layers.${layer}.self_attn.v_proj`,
    intruders: Array.from({ length: count }, (_, index) => ({ index, singularValue: 1, cosine: 0.1 })),
    looked: 10,
  });
  expect(intruderWords([one(0, 1), one(3, 4)])).toBe(
    '5 intruders among the 20 vectors looked at in 2 matrices; most in layer 3 v, 4 of 10.',
  );
  expect(intruderWords([one(0, 0)])).toBe(
    'No intruder among the 10 vectors looked at in 1 matrix: every one resembles a vector of the base.',
  );
});
