/**
 * A head for classes: its loss and gradients by hand from hidden states of rows by themselves, and the scores of
 * answers.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { randomiseB } from '../../../test-support/fixtures/adapters.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { randomModel } from '../../../test-support/fixtures/randomModel.ts';
import { bootBackend } from '../backends/backends.ts';
import { createLora, LoraAdapter } from '../../methods/lora/lora.ts';
import { architectureFromConfig } from '../model/architecture.ts';
import type { Decoder } from '../model/decoder.ts';
import { SCORE } from '../model/tensorNames.ts';
import { Random } from '../../../src-shared/random.ts';
import type { Batch } from './batchLoss.ts';
import { classScores, evaluateClasses } from './classification.ts';
import { accumulateGradients } from './step.ts';

beforeAll(async () => void (await bootBackend('tensorflow')));

const K = 3;
const ROWS = [
  [1, 5, 9, 30, 2],
  [7, 3],
  [4, 4, 8, 1],
];
const CLASSES = [2, 0, 1];

/** Right-padded with 0. */
function batchOf(rows: number[][], classes: number[]): Batch {
  const T = Math.max(...rows.map((row) => row.length));
  const padded = (of: (row: number[], t: number) => number): Int32Array =>
    Int32Array.from(rows.flatMap((row) => Array.from({ length: T }, (_, t) => of(row, t))));
  return {
    ids: padded((row, t) => row[t] ?? 0),
    mask: padded((row, t) => Number(t < row.length)),
    labels: padded(() => -100),
    B: rows.length,
    T,
    classes: Int32Array.from(classes),
  };
}

/** A capped model, since the cap of the vocabulary's logits must not touch those of the classes. */
function classifier(): { model: Decoder; adapter: LoraAdapter; score: Float32Array } {
  const spec = architectureFromConfig({
    model_type: 'gemma2',
    hidden_size: 8,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    head_dim: 4,
    intermediate_size: 12,
    vocab_size: 32,
    max_position_embeddings: 32,
    final_logit_softcapping: 0.5,
  });
  const lora = createLora(spec, { rank: 2, alpha: 4, dropout: 0, targets: ['q', 'v'], init: 'kaiming' }, 1);
  randomiseB(lora, 2);
  const score = new Random(3).normal(K * 8, 1);
  const adapter = new LoraAdapter(lora.pairs, [{ name: SCORE, value: tf.tensor2d(score, [K, 8]) }]);
  return { model: randomModel(spec, 1).with(adapter), adapter, score };
}

/** Logits of each row by itself, its last hidden state times every row of the head. */
async function logitsByHand(
  model: Decoder,
  score: ArrayLike<number>,
): Promise<{ states: number[][]; logits: number[][] }> {
  const states: number[][] = [];
  for (const row of ROWS) {
    const h = tf.tidy(() => model.hidden(row, 1, row.length));
    states.push(((await h.array()) as number[][]).at(-1)!);
    h.dispose();
  }
  return {
    states,
    logits: states.map((h) =>
      Array.from({ length: K }, (_, k) => h.reduce((sum, value, c) => sum + value * score[k * 8 + c]!, 0)),
    ),
  };
}

it('loss, classes and the gradient of the head are those of the rows by themselves', async () => {
  const { model, adapter, score } = classifier();
  const { states, logits } = await logitsByHand(model, score);
  const probabilities = logits.map((row) =>
    row.map((z) => Math.exp(z) / row.reduce((sum, other) => sum + Math.exp(other), 0)),
  );
  const want = probabilities.reduce((sum, p, i) => sum - Math.log(p[CLASSES[i]!]!), 0) / ROWS.length;
  const batch = batchOf(ROWS, CLASSES);
  const result = await evaluateClasses(model, [
    batchOf(ROWS.slice(0, 2), CLASSES.slice(0, 2)),
    batchOf(ROWS.slice(2), CLASSES.slice(2)),
  ]);
  expectClose([result.loss], [want], { rtol: 1e-5, atol: 0 });
  expect(result.predicted).toEqual(logits.map((row) => row.indexOf(Math.max(...row))));
  expect(result.actual).toEqual(CLASSES);
  const parameters = adapter.parameters();
  const { loss, gradients } = accumulateGradients(model, parameters, [batch]);
  expectClose(await loss.data(), [want], { rtol: 1e-5, atol: 0 });
  const dScore = Array.from(
    { length: K * 8 },
    (_, i) =>
      states.reduce(
        (sum, h, row) =>
          sum + (probabilities[row]![Math.floor(i / 8)]! - Number(CLASSES[row] === Math.floor(i / 8))) * h[i % 8]!,
        0,
      ) / ROWS.length,
  );
  expectClose(await gradients.at(-1)!.data(), dScore, { rtol: 1e-4, atol: 1e-5 });
  for (const gradient of gradients) expect(Math.hypot(...(await gradient.data()))).toBeGreaterThan(1e-6);
  tf.dispose([loss, ...gradients]);
  adapter.dispose();
  model.dispose();
});

it('scores: the usual definitions, counted by hand', () => {
  const actual = [0, 0, 0, 1, 1, 1, 1, 1];
  const predicted = [0, 0, 1, 1, 1, 1, 0, 0];
  // Class 1: 3 hits of 4 predictions and 5 rows; class 0: 2 hits of 4 predictions and 3 rows.
  const [f1, f0] = [6 / 9, 4 / 7];
  expect(classScores(predicted, actual, 2)).toEqual({ accuracy: 5 / 8, f1, macroF1: (f0 + f1) / 2 });
  expect(classScores([0, 1, 1], [0, 1, 0], 3)).toEqual({ accuracy: 2 / 3, macroF1: (2 / 3 + 2 / 3 + 0) / 3 });
});
