/** Decoding by recorded graphs against PyTorch's logits, and what may not be recorded. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { expectClose } from '../../../../../test-support/checks/expectClose.ts';
import { loadModel, readJson, readTensors, type BaseGolden } from '../../../../../test-support/goldens/goldens.ts';
import { hasShared, sharedPath, skipNote } from '../../../../../test-support/goldens/shared.ts';
import { bootBackend } from '../../../backends/backends.ts';
import { lastLogits } from '../../../generate/nextToken.ts';
import { KvCache } from '../../../model/kvCache.ts';
import { RecordedPass } from './recordedPass.ts';

const FAMILIES = ['gpt2', 'llama', 'qwen2', 'qwen3', 'gemma2', 'gemma3', 'olmo2', 'smollm3', 'granite', 'phi4mini'];
const GOLDEN = 'golden/llama/base';
const AT_ONCE = { callsBefore: 0, callsWorthLoading: 0 };

beforeAll(async () => void (await bootBackend('tensorflow')));

describe.skipIf(!hasShared(GOLDEN))(`one token after another${skipNote(GOLDEN)}`, () => {
  it.each(FAMILIES)('%s has the logits that PyTorch has for the whole row', async (family) => {
    const dir = `golden/${family}/base`;
    const { input_ids: rows, attention_mask: mask } = readJson<BaseGolden>(`${dir}/golden.json`);
    const row = mask.findIndex((places) => places.every((place) => place === 1));
    const { shape, values } = readTensors(`${dir}/logits.safetensors`).get('logits')!;
    const [, T, V] = shape as [number, number, number];
    const model = loadModel(sharedPath(dir));
    onTestFinished(() => model.dispose());
    const [cache, recorded] = [new KvCache(), new RecordedPass(AT_ONCE)];
    onTestFinished(() => cache.dispose());
    for (const [t, id] of rows[row]!.entries()) {
      const logits = lastLogits(model, Int32Array.of(id), cache, recorded);
      const at = (row * T + t) * V;
      expectClose(await logits.data(), values.subarray(at, at + V), { rtol: 1e-4, atol: 1e-4 }, `token ${t}`);
      logits.dispose();
    }
    expect(recorded.replayed).toBe(T - 3); // the first fills the cache, two are written down
  });
});

describe('what is not the same graph every time', () => {
  function results(pass: RecordedPass, f: (x: tf.Tensor1D, call: number) => tf.Tensor, calls = 6): number[] {
    return Array.from({ length: calls }, (_, call) =>
      tf.tidy(() => {
        const x = tf.tensor1d([call, 1]);
        return pass.call([x], () => f(x, call)).dataSync()[0]!;
      }),
    );
  }

  it('runs as a graph where only inputs change', () => {
    const pass = new RecordedPass(AT_ONCE);
    const weight = tf.tensor1d([3, 1]);
    const before = tf.memory().numTensors;
    expect(results(pass, (x) => tf.add(tf.mul(x, weight), tf.scalar(0.5)))).toEqual([0.5, 3.5, 6.5, 9.5, 12.5, 15.5]);
    expect(pass.replayed).toBe(4);
    expect(tf.memory().numTensors).toBe(before);
    weight.dispose();
  });

  it('never takes a value of one call for that of another', () => {
    const pass = new RecordedPass(AT_ONCE);
    expect(results(pass, (x, call) => tf.add(x, tf.scalar(10 * call + 0.25)))).toEqual([
      0.25, 11.25, 22.25, 33.25, 44.25, 55.25,
    ]);
    expect(pass.replayed).toBe(0);
  });

  it('leaves a function alone that reads values back', () => {
    const pass = new RecordedPass(AT_ONCE);
    const f = (x: tf.Tensor1D): tf.Tensor => (tf.square(x).dataSync()[0]! > 4 ? tf.neg(x) : tf.square(x));
    expect(results(pass, f)).toEqual([0, 1, 4, -3, -4, -5]);
    expect(pass.replayed).toBe(0);
  });

  it('writes down anew where a weight has been replaced, or the shapes are others', () => {
    const pass = new RecordedPass(AT_ONCE);
    let weight = tf.tensor1d([3, 1]);
    const f = (x: tf.Tensor1D): tf.Tensor => tf.sub(x, weight);
    expect(results(pass, f, 4)).toEqual([-3, -2, -1, 0]);
    weight.dispose();
    weight = tf.tensor1d([-1, 1]);
    expect(results(pass, f, 4)).toEqual([1, 2, 3, 4]);
    const longer = tf.tidy(() => {
      const x = tf.tensor1d([1, 2, 3, 4]);
      return pass.call([x], () => tf.sum(x)).dataSync()[0];
    });
    expect(longer).toBe(10);
    weight.dispose();
  });
});
