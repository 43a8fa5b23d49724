/**
 * Families without a golden against fixtures/families.json, which fixtures/make_families.py made from the published
 * equations in PyTorch: logits, loss, and the gradient of every weight; and decoding with the cache against all at
 * once.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import type { BackendName } from '../../src-shared/backends.ts';
import { lastLogits } from '../../src-main/engine/generate/generate.ts';
import { createFull } from '../../src-main/methods/full/full.ts';
import { architectureFromConfig, type ModelConfig } from '../../src-main/engine/model/architecture.ts';
import { Decoder } from '../../src-main/engine/model/decoder.ts';
import { KvCache } from '../../src-main/engine/model/kvCache.ts';
import { accumulateGradients } from '../../src-main/engine/train/step.ts';
import { bootOrNote } from '../checks/engineSkip.ts';
import { recordError } from '../checks/errorRecord.ts';
import { expectClose } from '../checks/expectClose.ts';
import { FAMILY_CASES, familyWeights, hashed, type FamilyCase } from '../fixtures/families.ts';

/** Runs the suite on one engine; `rtol` is relative to the largest value of what is compared. */
export async function familiesSuite(engine: BackendName, rtol: number): Promise<void> {
  const note = await bootOrNote(engine);
  describe.skipIf(note !== '').each(Object.entries(FAMILY_CASES))(
    `%s on ${engine} against PyTorch${note}`,
    (_, golden) => {
      it('logits at once, and token by token with the cache', async () => {
        const model = familyModel(golden.config);
        await checkLogits(model, golden, rtol);
        await checkCache(model, golden, rtol);
        model.dispose();
      });

      it('loss and the gradient of every weight', async () => {
        const model = familyModel(golden.config);
        await checkGradients(model, golden, rtol);
        model.dispose();
      });
    },
  );
}

function familyModel(config: ModelConfig): Decoder {
  const weights = familyWeights(config).map(
    ({ name, shape, values }) => [name, { name, value: tf.tensor(values, shape) }] as const,
  );
  return new Decoder(architectureFromConfig(config), new Map(weights));
}

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

async function checkLogits(model: Decoder, { ids, logits: want }: FamilyCase, rtol: number): Promise<void> {
  const logits = tf.tidy(() => model.logits(model.hidden(ids.flat(), ids.length, ids[0]!.length)));
  const got = await logits.data();
  logits.dispose();
  recordError('logits', got, Float64Array.from(want));
  expectClose(got, want, { rtol, atol: rtol * largest(want) }, 'logits');
}

async function checkCache(model: Decoder, { ids, logits: want }: FamilyCase, rtol: number): Promise<void> {
  const [B, T, V] = [ids.length, ids[0]!.length, model.spec.vocab];
  const cache = new KvCache(ids.map(() => 0));
  for (let t = 0; t < T; t++) {
    const logits = lastLogits(
      model,
      Int32Array.from(ids, (row) => row[t]!),
      cache,
    );
    const got = await logits.data();
    logits.dispose();
    const atStep = Array.from({ length: B }, (_, b) => want.slice((b * T + t) * V, (b * T + t + 1) * V)).flat();
    expectClose(got, atStep, { rtol, atol: rtol * largest(want) }, `logits of step ${t} with the cache`);
  }
  cache.dispose();
}

async function checkGradients(
  model: Decoder,
  { ids, loss: want, gradients: wanted }: FamilyCase,
  rtol: number,
): Promise<void> {
  const [B, T] = [ids.length, ids[0]!.length];
  const method = createFull(model, undefined);
  const parameters = method.parameters();
  const all = Int32Array.from(ids.flat());
  const { loss, gradients } = accumulateGradients(model.with(method), parameters, [
    { ids: all, labels: all, mask: new Int32Array(B * T).fill(1), B, T },
  ]);
  const predicted = B * (T - 1); // the engine's loss is the mean
  expectClose([(await loss.data())[0]! * predicted], [want], { rtol, atol: 0 }, 'loss');
  for (const [i, { name }] of parameters.entries()) {
    const values = Array.from(await gradients[i]!.data(), (value) => value * predicted);
    const direction = hashed(`direction ${name}`, values.length);
    const got = [Math.hypot(...values), values.reduce((sum, value, j) => sum + value * direction[j]!, 0)];
    const [norm, along] = wanted[name]!;
    recordError(`gradient of ${name}`, got, Float64Array.of(norm, along));
    expectClose(got, [norm, along], { rtol, atol: rtol * norm }, `gradient of ${name}`);
  }
  tf.dispose([loss, ...gradients]);
}
