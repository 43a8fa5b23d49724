/** PiSSA's start against PEFT's, what it means as a plain LoRA, and the decomposition of larger matrices. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, maxAbsDifference } from '../../../test-support/checks/expectClose.ts';
import { loadModel, readTensors } from '../../../test-support/goldens/goldens.ts';
import { randomModel } from '../../../test-support/fixtures/randomModel.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { bootBackend } from '../../engine/backends/backends.ts';
import { architectureFromConfig, availableTargets } from '../../engine/model/architecture.ts';
import type { Target } from '../../../src-shared/targets.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { replaceValue } from '../../engine/model/parameters.ts';
import { Random } from '../../../src-shared/random.ts';
import { createLora, LoraAdapter } from './lora.ts';
import { startPissa } from './pissa.ts';
import { converted } from './residualStart.ts';
import { principalComponents } from '../../linalg/principalComponents.ts';

const LLAMA = {
  model_type: 'llama',
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 32,
  max_position_embeddings: 64,
};
const GPT2 = { model_type: 'gpt2', n_embd: 16, n_head: 4, n_layer: 2, n_positions: 64, vocab_size: 32 };

beforeAll(async () => void (await bootBackend('tensorflow')));

async function logitsOf(model: Decoder): Promise<Float32Array> {
  const logits = tf.tidy(() => model.logits(model.hidden([1, 5, 9, 30, 2, 7], 1, 6)));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}

describe.skipIf(!hasShared('golden'))(`the start${skipNote('golden')}`, () => {
  it.each(['llama', 'gpt2'])("of %s is PEFT's: the same BA, the same residual", async (name) => {
    const model = loadModel(sharedPath(`golden/${name}/base`));
    const targets = availableTargets(model.spec).filter(
      (target) => name === 'llama' || !['q', 'k', 'v'].includes(target),
    );
    const { pairs } = createLora(model.spec, { rank: 4, alpha: 8, dropout: 0, targets, init: 'pissa' }, 1);
    await startPissa(pairs, model, 1);
    const peft = readTensors(`golden/${name}/pissa/initial/adapter_model.safetensors`);
    const residuals = readTensors(`golden/${name}/pissa/w_res.safetensors`);
    for (const { module, A, B } of pairs) {
      const [a, b] = ['lora_A', 'lora_B'].map((part) => peft.get(`base_model.model.${module.module}.${part}.weight`)!);
      const want = tf.tidy(() => tf.matMul(tf.tensor(b!.values, b!.shape), tf.tensor(a!.values, a!.shape)).dataSync());
      const got = tf.tidy(() => tf.matMul(B.value as tf.Tensor2D, A.value as tf.Tensor2D).dataSync());
      // Where two singular values are close, float32 (there) and float64 (here) part a little.
      expectClose(got, want, { rtol: 0, atol: 2e-5 }, module.module);
      expectClose(
        model.weights.get(module.weight)!.value.dataSync(),
        residuals.get(module.weight)!.values,
        { rtol: 0, atol: 4e-5 },
        `residual of ${module.module}`,
      );
    }
    new LoraAdapter(pairs).dispose();
    model.dispose();
  });
});

describe.each([
  ['llama', LLAMA, ['q', 'v', 'down']],
  ['gpt2, slices', GPT2, ['q', 'v', 'proj']],
] as const)('%s', (_, config, targets) => {
  it('starts equal to the base, and ends as the same as a plain LoRA of twice the rank on the base', async () => {
    const spec = architectureFromConfig(config);
    const [model, base] = [randomModel(spec, 1), randomModel(spec, 1)];
    const plain = await logitsOf(model);
    const { pairs } = createLora(
      spec,
      { rank: 3, alpha: 6, dropout: 0, targets: targets as readonly Target[] as Target[], init: 'pissa' },
      1,
    );
    const starts = await startPissa(pairs, model, 1);
    const started = model.with(new LoraAdapter(pairs));
    expectClose(await logitsOf(started), plain, { rtol: 0, atol: 2e-5 });
    for (const { A, B } of pairs)
      for (const half of [A, B])
        replaceValue(
          half,
          tf.tidy(() => tf.add(half.value, tf.randomNormal(half.value.shape, 0, 0.1, 'float32', 3))),
        );
    const trained = await logitsOf(started);
    expect(maxAbsDifference(trained, plain)).toBeGreaterThan(0.1);
    const plainLora = base.with(new LoraAdapter(await converted(pairs, starts)));
    expectClose(await logitsOf(plainLora), trained, { rtol: 0, atol: 5e-5 });
  });
});

it('finds the largest components of a matrix that is too large to decompose whole', async () => {
  // W = sum over k of s_k·u_k·v_k^T with known orthonormal vectors: the columns of a Hadamard matrix.
  const n = 256;
  const hadamard = (i: number, k: number): number =>
    ([...(i & k).toString(2)].filter((bit) => bit === '1').length % 2 === 0 ? 1 : -1) / Math.sqrt(n);
  const s = (k: number): number => 10 * 0.9 ** k;
  const values = new Float32Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      for (let k = 0; k < 60; k++) values[i * n + j]! += s(k) * hadamard(i, k + 3) * hadamard(j, 2 * k);
  const W = tf.tensor2d(values, [n, n]);
  const { U, S, V } = await principalComponents(W, 4, new Random(1));
  W.dispose();
  expectClose(S, [0, 1, 2, 3].map(s), { rtol: 1e-5, atol: 0 });
  for (let k = 0; k < 4; k++) {
    const along = (f: (i: number) => number): number =>
      Math.abs(Array.from({ length: n }, (_, i) => f(i)).reduce((a, b) => a + b, 0));
    expect(along((i) => U[i * 4 + k]! * hadamard(i, k + 3))).toBeCloseTo(1, 5);
    expect(along((j) => V[k * n + j]! * hadamard(j, 2 * k))).toBeCloseTo(1, 5);
  }
});
