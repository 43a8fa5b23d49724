/**
 * Training on a packed base: the same losses as the `tensorflow` engine gets with the float32 values that the packed
 * words stand for, the same count of parameters, and no tensor left over.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectedTensors } from '../../basemodel/expectedTensors.ts';
import { bootOrNote } from '../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import { bootBackend } from '../backends/backends.ts';
import { BASE_DTYPES, type BaseDtype } from '../../../src-shared/baseDtypes.ts';
import type { PackedFormat } from '../packed/formats.ts';
import { packMatrix, unpackMatrix } from '../packed/packMatrix.ts';
import { createLora } from '../../methods/lora/lora.ts';
import { AdamW } from '../optim/adamw.ts';
import { Random } from '../../../src-shared/random.ts';
import type { Batch } from '../train/batchLoss.ts';
import { trainStep, type StepResult } from '../train/step.ts';
import { architectureFromConfig, type ArchitectureSpec, linearModules } from './architecture.ts';
import type { Target } from '../../../src-shared/targets.ts';
import { Decoder } from './decoder.ts';
import { countParameters } from './parameters.ts';
import { loadWeights, type TensorSource } from './weights.ts';

const note = await bootOrNote('webgpu');

/** Wider than one block of NF4, and not by a whole one. */
const LLAMA = architectureFromConfig({
  model_type: 'llama',
  hidden_size: 72,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 42,
  vocab_size: 32,
  max_position_embeddings: 32,
  tie_word_embeddings: true,
});
const GPT2 = architectureFromConfig({
  model_type: 'gpt2',
  n_embd: 72,
  n_layer: 2,
  n_head: 4,
  vocab_size: 32,
  n_positions: 32,
  activation_function: 'gelu_new',
});
const STEPS = 3;

/** Matrices N(0, 0.1^2), vectors N(1, 0.1^2). */
function randomSource(spec: ArchitectureSpec): TensorSource {
  const entries = expectedTensors(spec, {}).filter(({ optional }) => !optional);
  const values = new Map(
    entries.map(({ name, shape }) => {
      const normal = Random.stream(4, name).normal(
        shape.reduce((a, b) => a * b, 1),
        0.1,
      );
      return [name, shape.length === 1 ? normal.map((x) => 1 + x) : normal];
    }),
  );
  return {
    tensors: new Map(entries.map(({ name, shape }) => [name, { shape }])),
    readF32: (name) => values.get(name)!.slice(),
  };
}

/** The source with its linear weights as they come back from their packed form. */
function rounded(spec: ArchitectureSpec, source: TensorSource, format: PackedFormat): TensorSource {
  const linear = new Set(linearModules(spec).map(({ weight }) => weight));
  return {
    tensors: source.tensors,
    readF32(name) {
      const [R, C] = source.tensors.get(name)!.shape as [number, number];
      return linear.has(name)
        ? unpackMatrix(packMatrix(name, source.readF32(name), R, C, format))
        : source.readF32(name);
    },
  };
}

function batch(): Batch {
  const [B, T, random] = [2, 7, new Random(8)];
  const ids = Int32Array.from({ length: B * T }, () => random.integer(32));
  return { ids, labels: ids, mask: new Int32Array(B * T).fill(1), B, T };
}

interface Training {
  steps: StepResult[];
  parameters: number;
}

async function training(
  engine: BackendName,
  spec: ArchitectureSpec,
  source: TensorSource,
  baseDtype: BaseDtype,
): Promise<Training> {
  await bootBackend(engine);
  const base = new Decoder(spec, loadWeights(spec, source, { baseDtype }));
  const parameters = countParameters(base.weights.values());
  const targets: Target[] = spec.family === 'gpt2' ? ['q', 'v', 'fc', 'proj'] : ['q', 'v', 'gate', 'down'];
  const adapter = createLora(spec, { rank: 2, alpha: 4, dropout: 0, targets, init: 'kaiming' }, 1);
  const model = base.with(adapter);
  const optimizer = new AdamW(adapter.parameters(), { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 });
  const steps: StepResult[] = [];
  let tensors = 0;
  for (let step = 0; step < STEPS; step++) {
    steps.push(await trainStep(model, adapter.parameters(), optimizer, [batch()], { lr: 1e-2, clip: 1 }));
    if (step === 0) tensors = tf.memory().numTensors; // by now the tables of the model exist
  }
  expect(tf.memory().numTensors).toBe(tensors);
  optimizer.dispose();
  adapter.dispose();
  model.dispose();
  return { steps, parameters };
}

describe.skipIf(note !== '')(`training on a packed base${note}`, { timeout: 120_000 }, () => {
  it.each([
    ['llama', LLAMA, 'nf4'],
    ['llama', LLAMA, 'f16'],
    ['gpt2', GPT2, 'nf4'],
    ['gpt2', GPT2, 'f16'],
  ] as const)('%s, %s', async (_name, spec, format) => {
    const source = randomSource(spec);
    const want = await training('tensorflow', spec, rounded(spec, source, format), 'f32');
    const got = await training('webgpu', spec, source, format);
    expectClose(
      got.steps.map(({ loss }) => loss),
      want.steps.map(({ loss }) => loss),
      { rtol: 1e-3, atol: 0 },
      'losses',
    );
    expectClose(
      got.steps.map(({ gradNorm }) => gradNorm),
      want.steps.map(({ gradNorm }) => gradNorm),
      { rtol: 1e-3, atol: 0 },
      'gradient norms',
    );
    expect(want.steps.at(-1)!.loss).toBeLessThan(want.steps[0]!.loss);
    expect(got.parameters).toBe(want.parameters);
  });
});

it.each(BASE_DTYPES.filter((dtype) => dtype !== 'f32'))(
  '%s on an engine without packed products ends with one clear sentence',
  async (format) => {
    await bootBackend('tensorflow');
    const model = new Decoder(LLAMA, loadWeights(LLAMA, randomSource(LLAMA), { baseDtype: format }));
    expect(() => tf.tidy(() => model.hidden([1, 2], 1, 2))).toThrow(
      /webgpu engine only; choose it, or the base dtype f32\.$/,
    );
    model.dispose();
  },
);
