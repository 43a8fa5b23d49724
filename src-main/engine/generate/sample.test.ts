import { expect, it } from 'vitest';
import { Random } from '../../../src-shared/random.ts';
import { argmax, candidateTokens, sampleToken, type SamplingOptions } from './sample.ts';

const PROBABILITIES = [0.05, 0.4, 0.1, 0.3, 0.15];
const LOGITS = Float32Array.from(PROBABILITIES, (p) => Math.log(p) + 3);
const N = 20_000;

/** Draws N tokens and compares each one's frequency with `want`, within 4 standard deviations. */
function expectFrequencies(options: SamplingOptions, want: number[]): void {
  const random = new Random(11);
  const counts = want.map(() => 0);
  for (let i = 0; i < N; i++) counts[sampleToken(LOGITS, options, random)]!++;
  want.forEach((p, id) =>
    expect(Math.abs(counts[id]! - N * p), `token ${id}: ${counts[id]} of ${N}, wanted ${p}`).toBeLessThanOrEqual(
      4 * Math.sqrt(N * p * (1 - p)),
    ),
  );
}

function normalised(weights: number[]): number[] {
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

it('greedy takes the largest logit, the first of equals, and draws no random number', () => {
  const random = new Random(1);
  expect(sampleToken(LOGITS, { temperature: 0, topK: 3, topP: 0.1 }, random)).toBe(1);
  expect(random.state()).toEqual(new Random(1).state());
  expect(argmax(Float32Array.of(-5, 2, 2, 1))).toBe(1);
});

it('temperature 1 draws the softmax', () => expectFrequencies({ temperature: 1 }, PROBABILITIES));

it.each([0.5, 2])('temperature %d draws p^(1/temperature)', (temperature) => {
  expectFrequencies({ temperature }, normalised(PROBABILITIES.map((p) => p ** (1 / temperature))));
});

it('top-k keeps the k most likely', () => {
  expectFrequencies({ temperature: 1, topK: 2 }, normalised([0, 0.4, 0, 0.3, 0]));
  expectFrequencies({ temperature: 1, topK: 9 }, PROBABILITIES);
  expectFrequencies({ temperature: 1, topK: 0 }, PROBABILITIES);
});

it('top-p keeps the smallest set that reaches p', () => {
  expectFrequencies({ temperature: 1, topP: 0.75 }, normalised([0, 0.4, 0, 0.3, 0.15]));
  expectFrequencies({ temperature: 1, topP: 0.39 }, [0, 1, 0, 0, 0]);
  expectFrequencies({ temperature: 1, topP: 1 }, PROBABILITIES);
});

it('top-p counts the probabilities that top-k and the temperature have left', () => {
  // After top-k 3: 0.47, 0.35, 0.18 of what is left; 0.8 needs two of them.
  expectFrequencies({ temperature: 1, topK: 3, topP: 0.8 }, normalised([0, 0.4, 0, 0.3, 0]));
  // At temperature 0.5 the two largest hold 0.16 + 0.09 of 0.285.
  expect(candidateTokens(LOGITS, { temperature: 0.5, topP: 0.87 }).map(({ id }) => id)).toEqual([1, 3]);
  expect(candidateTokens(LOGITS, { temperature: 0.5, topP: 0.88 }).map(({ id }) => id)).toEqual([1, 3, 4]);
});

it('large logits do not overflow', () => {
  expect(sampleToken(Float32Array.of(1e4, -1e4, 0), { temperature: 0.01 }, new Random(1))).toBe(0);
});
