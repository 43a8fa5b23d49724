/** Packing: a batch filled with rows of any lengths has the loss and the gradients of its rows one by one. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import type { TokenisedExample } from '../../datasets/types.ts';
import { BatchPlan } from '../../datasets/batchPlan.ts';
import { collate } from '../../datasets/batches.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { openLoop } from '../../../test-support/rigs/loopBench.ts';
import { bootBackend } from '../backends/backends.ts';
import { accumulateGradients } from './step.ts';

beforeAll(async () => void (await bootBackend('tensorflow')));

it('a packed batch equals its rows', async () => {
  const { model, run } = openLoop({});
  const rows = run.data.train as TokenisedExample[];
  const plan = new BatchPlan(
    rows.map(({ ids }) => ids.length),
    { batch: 3, maxLength: 16, accumulate: 1, seed: 1, packing: true, bucketing: false },
  );
  const [packed] = plan.rowsOf(1);
  expect(packed!.length).toBeGreaterThan(3);
  expect(new Set(packed!.map((row) => rows[row]!.ids.length)).size).toBeGreaterThan(2);
  const together = accumulateGradients(model, run.method.parameters, [collate(rows, packed!, 0)]);
  const oneByOne = accumulateGradients(
    model,
    run.method.parameters,
    packed!.map((row) => collate(rows, [row], 0)),
  );
  expectClose(await together.loss.data(), await oneByOne.loss.data(), { rtol: 1e-5, atol: 0 }, 'loss');
  for (const [i, gradient] of together.gradients.entries()) {
    const want = await oneByOne.gradients[i]!.data();
    expectClose(
      await gradient.data(),
      want,
      { rtol: 1e-4, atol: 1e-5 * Math.max(...want.map(Math.abs)) },
      run.method.parameters[i]!.name,
    );
  }
  tf.dispose([together.loss, oneByOne.loss, ...together.gradients, ...oneByOne.gradients]);
});
