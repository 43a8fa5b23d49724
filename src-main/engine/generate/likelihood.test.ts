import { expect, it } from 'vitest';
import { Random } from '../../../src-shared/random.ts';
import { argmax, penalised } from './sample.ts';
import { tokenLikelihood } from './likelihood.ts';

const LOGITS = Float32Array.from(new Random(3).normal(200, 4), (x) => x + 80);

/** The softmax as a textbook writes it, without the shift that keeps it from overflowing. */
function softmax(logits: Float32Array): number[] {
  const powers = Array.from(logits, (logit) => Math.exp(logit));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

it('is the softmax of the logits, for the token taken and for the likeliest', () => {
  const want = softmax(LOGITS);
  const order = [...want.keys()].sort((a, b) => want[b]! - want[a]!);
  for (const id of [0, 17, order[0]!, order[199]!]) {
    const { p, top } = tokenLikelihood(LOGITS, id, 5);
    expect(p).toBeCloseTo(want[id]!, 12);
    expect(top.map((one) => one.id)).toEqual(order.slice(0, 5));
    top.forEach((one, i) => expect(one.p).toBeCloseTo(want[order[i]!]!, 12));
  }
});

it('all tokens together have probability 1, however large the logits', () => {
  const large = LOGITS.map((logit) => logit * 10);
  expect(tokenLikelihood(large, 0, 200).top.reduce((sum, { p }) => sum + p, 0)).toBeCloseTo(1, 12);
});

it('names equals in their order, and no more than there are', () => {
  expect(tokenLikelihood(Float32Array.of(1, 3, 3, 2), 0, 9).top.map(({ id }) => id)).toEqual([1, 2, 3, 0]);
  expect(tokenLikelihood(Float32Array.of(1, 3, 3, 3), 0, 2).top.map(({ id }) => id)).toEqual([1, 2]);
});

it('a penalty lowers what has appeared, whatever its sign, and leaves the logits of the model alone', () => {
  const logits = Float32Array.of(2, -2, 1.5, 0);
  expect([...penalised(logits, [0, 1, 1], 2)]).toEqual([1, -4, 1.5, 0]);
  expect([...logits]).toEqual([2, -2, 1.5, 0]);
  expect(argmax(penalised(logits, [0], 2))).toBe(2);
  expect(penalised(logits, [0, 1])).toBe(logits);
});
