/**
 * Each objective's loss and its gradient against the papers' formulas, written once more in float64 and differentiated
 * by differences; flipped pairs included, for which there is no golden.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { expectClose } from '../../../../test-support/checks/expectClose.ts';
import { useBackend } from '../../../worker/backend.ts';
import { objectiveSchema } from '../../../../src-shared/objectives.ts';
import { valueAndGradients } from '../gradients.ts';
import { dpoLosses, ktoLosses, oddsRatioLosses, simpoLosses } from './losses.ts';

beforeAll(() => useBackend('wasm'));

/** Of three pairs: gains of the chosen and the rejected answers, or their mean log-probabilities, and tokens. */
const W = [1.5, -0.75, 0.1];
const L = [-2, 0.25, 0.125];
const MEANS_W = [-0.5, -1.25, -0.01];
const MEANS_L = [-1, -0.2, -3];
const N_W = [8, 3, 1];
const N_L = [5, 7, 2];
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const odds = (logP: number): number => Math.exp(logP) / (1 - Math.exp(logP));
const smoothed = (x: number, e: number): number => -(1 - e) * Math.log(sigmoid(x)) - e * Math.log(sigmoid(-x));

type Formula = (w: number[], l: number[]) => number;
type Losses = (w: tf.Tensor1D, l: tf.Tensor1D) => tf.Tensor1D;
const of = <T extends string>(settings: { type: T } & Record<string, unknown>) =>
  objectiveSchema.parse(settings) as Extract<ReturnType<typeof objectiveSchema.parse>, { type: T }>;
const pairSum =
  (formula: (w: number, l: number, i: number) => number): Formula =>
  (w, l) =>
    w.reduce((sum, one, i) => sum + formula(one, l[i]!, i), 0);

const CASES: { name: string; at: [number[], number[]]; formula: Formula; losses: Losses }[] = [
  ...[0, 0.1, 0.3].map((e) => ({
    name: `DPO with ${e} of the pairs flipped`,
    at: [W, L] as [number[], number[]],
    formula: pairSum((w, l) => smoothed(0.4 * (w - l), e)),
    losses: (w: tf.Tensor1D, l: tf.Tensor1D) =>
      dpoLosses({ chosen: w, rejected: l }, tokens(), of({ type: 'dpo', beta: 0.4, labelSmoothing: e })),
  })),
  {
    name: 'IPO',
    at: [W, L],
    formula: pairSum((w, l, i) => (w / N_W[i]! - l / N_L[i]! - 1 / (2 * 0.4)) ** 2),
    losses: (w, l) => dpoLosses({ chosen: w, rejected: l }, tokens(), of({ type: 'dpo', beta: 0.4, loss: 'ipo' })),
  },
  {
    name: "ORPO's odds ratio",
    at: [MEANS_W, MEANS_L],
    formula: pairSum((w, l) => -Math.log(sigmoid(Math.log(odds(w) / odds(l))))),
    losses: (w, l) => oddsRatioLosses({ chosen: w, rejected: l }),
  },
  ...[0, 0.2].map((e) => ({
    name: `SimPO with ${e} of the pairs flipped`,
    at: [MEANS_W, MEANS_L] as [number[], number[]],
    formula: pairSum((w, l) => smoothed(2.5 * (w - l) - 0.7, e)),
    losses: (w: tf.Tensor1D, l: tf.Tensor1D) =>
      simpoLosses({ chosen: w, rejected: l }, of({ type: 'simpo', beta: 2.5, gamma: 0.7, labelSmoothing: e })),
  })),
  ...[0, 0.6].map((z) => ({
    name: `KTO from a reference point of ${z}`,
    at: [W, L] as [number[], number[]],
    formula: pairSum((w, l) => 1.5 * (1 - sigmoid(0.4 * (w - z))) + 0.5 * (1 - sigmoid(0.4 * (z - l)))),
    losses: (w: tf.Tensor1D, l: tf.Tensor1D) =>
      ktoLosses(
        tf.concat([w, l]),
        Uint8Array.from([1, 1, 1, 0, 0, 0]),
        z,
        of({ type: 'kto', beta: 0.4, desirableWeight: 1.5, undesirableWeight: 0.5 }),
      ),
  })),
];

function tokens() {
  return { chosen: tf.tensor1d(N_W), rejected: tf.tensor1d(N_L) };
}

it.each(CASES)('$name', async ({ at: [w, l], formula, losses }) => {
  const xs = [tf.tensor1d(w), tf.tensor1d(l)] as const;
  const { value, gradients } = valueAndGradients(() => tf.sum(losses(...xs)), [...xs]);
  expectClose(await value.data(), [formula(w, l)], { rtol: 1e-5, atol: 0 }, 'loss');
  const numeric = (side: 0 | 1): number[] =>
    w.map((_, i) => {
      const moved = (by: number): number => {
        const both: [number[], number[]] = [[...w], [...l]];
        both[side][i]! += by;
        return formula(...both);
      };
      return (moved(1e-5) - moved(-1e-5)) / 2e-5;
    });
  for (const side of [0, 1] as const)
    expectClose(await gradients[side]!.data(), numeric(side), { rtol: 1e-4, atol: 1e-6 }, side === 0 ? 'dw' : 'dl');
  tf.dispose([...xs, value, ...gradients]);
});

it('losses of answers that are beyond doubt stay finite', async () => {
  const far = tf.tensor1d([1e4, -1e4]);
  const near = tf.neg(far);
  const found = await dpoLosses({ chosen: far, rejected: near }, tokens(), of({ type: 'dpo' })).data();
  expect([...found]).toEqual([0, 2000]);
});

it('IPO refuses flipped pairs', () => {
  expect(objectiveSchema.safeParse({ type: 'dpo', loss: 'ipo', labelSmoothing: 0.1 }).success).toBe(false);
});
