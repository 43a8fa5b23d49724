/**
 * Adapters merged into a loaded base: the logits of the attached ones, and originals that survive any number of
 * switches.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, maxAbsDifference } from '../../test-support/checks/expectClose.ts';
import { loadModel } from '../../test-support/goldens/goldens.ts';
import {
  attachTrained,
  logitsOf,
  settingsOf,
  writeFamily,
  type TinyFamily,
} from '../../test-support/cases/methodCases.ts';
import { useBackend } from '../worker/backend.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import type { Adapter } from './adapter.ts';
import { MergedTasks } from './mergedTasks.ts';
import { TaskSum } from './taskSum.ts';

beforeAll(async () => void (await useBackend('tensorflow')));

async function trained(modelDir: string, family: TinyFamily, name: string): Promise<Adapter> {
  const { base, model } = await attachTrained(modelDir, settingsOf(family, name));
  base.close();
  return model.adapter as Adapter;
}

const weightsOf = async (model: Decoder): Promise<Float32Array[]> =>
  Promise.all([...model.weights.values()].map(async ({ value }) => Float32Array.from(await value.data())));

describe.each(['gpt2', 'llama'] as const)('%s', (family) => {
  it.each(['lora', 'rslora', 'lora, patterns and layers', 'lokr', 'loha'])(
    '%s merged answers as attached',
    async (name) => {
      const modelDir = await writeFamily(family);
      const model = loadModel(modelDir);
      const adapter = await trained(modelDir, family, name);
      const want = await logitsOf(model.with(adapter));
      expect(maxAbsDifference(await logitsOf(model), want)).toBeGreaterThan(1e-2);
      new MergedTasks(model).switchTo([{ adapter, scale: 1 }]);
      expectClose(await logitsOf(model), want, { rtol: 1e-4, atol: 1e-4 });
    },
  );

  it('one task taken away and another added, a hundred times', async () => {
    const modelDir = await writeFamily(family);
    const model = loadModel(modelDir);
    const [one, two, three] = [
      await trained(modelDir, family, 'lora'),
      await trained(modelDir, family, 'rslora'),
      await trained(modelDir, family, 'loha'),
    ];
    const originals = await weightsOf(model);
    const sum = new TaskSum([
      { adapter: one, scale: -0.5 },
      { adapter: two, scale: 0.7 },
    ]);
    const want = await logitsOf(model.with(sum));
    const merged = new MergedTasks(model);
    const before = tf.memory().numTensors;
    merged.switchTo([
      { adapter: one, scale: -0.5 },
      { adapter: two, scale: 0.7 },
    ]);
    const first = await weightsOf(model);
    for (let round = 0; round < 50; round++) {
      merged.switchTo([{ adapter: three, scale: 1 }]);
      merged.switchTo([
        { adapter: one, scale: -0.5 },
        { adapter: two, scale: 0.7 },
      ]);
    }
    expectClose(await logitsOf(model), want, { rtol: 1e-4, atol: 1e-4 });
    expect(await weightsOf(model)).toEqual(first);
    merged.switchTo([]);
    expect(await weightsOf(model)).toEqual(originals);
    expect(tf.memory().numTensors).toBe(before);
  });
});

it.each(['dora', 'houlsby', 'prefix key-value', 'lora, bias all'])(
  'refuses %s and leaves the model as it was',
  async (name) => {
    const family = name === 'lora, bias all' ? 'gpt2' : 'llama';
    const modelDir = await writeFamily(family);
    const model = loadModel(modelDir);
    const [adapter, plain] = [await trained(modelDir, family, name), await trained(modelDir, family, 'lora')];
    const originals = await weightsOf(model);
    expect(() =>
      new MergedTasks(model).switchTo([
        { adapter: plain, scale: 1 },
        { adapter, scale: 1 },
      ]),
    ).toThrowError(expect.objectContaining({ code: 'NOT_ADDITIVE' }));
    expect(await weightsOf(model)).toEqual(originals);
  },
);
