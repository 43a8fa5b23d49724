/**
 * Training on a packed base, embedding and head included: the same losses as the `tensorflow` engine gets with the
 * float32 values that the packed words stand for, the same count of parameters, and no tensor left over.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectedTensors } from '../../basemodel/expectedTensors.ts';
import { bootOrNote } from '../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import { bootBackend } from '../backends/backends.ts';
import type { BaseDtype, BaseForms } from '../../../src-shared/baseDtypes.ts';
import { PACKED_FORMATS } from '../packed/formats.ts';
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
const UNTIED: ArchitectureSpec = { ...LLAMA, tiedHead: false };
const GPT2 = architectureFromConfig({
  model_type: 'gpt2',
  n_embd: 72,
  n_layer: 2,
  n_head: 4,
  vocab_size: 32,
  n_positions: 32,
  activation_function: 'gelu_new',
});

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

/** The source with its weights as they come back from their packed form. */
function rounded(spec: ArchitectureSpec, source: TensorSource, forms: BaseForms): TensorSource {
  const embeddings = new Set(['model.embed_tokens.weight', 'lm_head.weight', 'transformer.wte.weight']);
  const linear = new Set(linearModules(spec).map(({ weight }) => weight));
  const dtypeOf = (name: string): BaseDtype =>
    (linear.has(name) ? forms.baseDtype : embeddings.has(name) ? forms.embeddingDtype : undefined) ?? 'f32';
  return {
    tensors: source.tensors,
    readF32(name) {
      const [R, C] = source.tensors.get(name)!.shape as [number, number];
      const dtype = dtypeOf(name);
      return dtype === 'f32' ? source.readF32(name) : unpackMatrix(packMatrix(name, source.readF32(name), R, C, dtype));
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
  forms: BaseForms,
  count: number,
): Promise<Training> {
  await bootBackend(engine);
  const base = new Decoder(spec, loadWeights(spec, source, forms));
  const parameters = countParameters(base.weights.values());
  const targets: Target[] = spec.family === 'gpt2' ? ['q', 'v', 'fc', 'proj'] : ['q', 'v', 'gate', 'down'];
  const adapter = createLora(spec, { rank: 2, alpha: 4, dropout: 0, targets, init: 'kaiming' }, 1);
  const model = base.with(adapter);
  const optimizer = new AdamW(adapter.parameters(), { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 });
  const steps: StepResult[] = [];
  let tensors = 0;
  for (let step = 0; step < count; step++) {
    steps.push(await trainStep(model, adapter.parameters(), optimizer, [batch()], { lr: 1e-2, clip: 1 }));
    if (step === 0) tensors = tf.memory().numTensors; // by now the tables of the model exist
  }
  expect(tf.memory().numTensors).toBe(tensors);
  optimizer.dispose();
  adapter.dispose();
  model.dispose();
  return { steps, parameters };
}

/** Compares with the same training on the `tensorflow` engine and the unpacked values. */
async function compare(
  engine: BackendName,
  spec: ArchitectureSpec,
  forms: BaseForms,
  steps: number,
  rtol: number,
): Promise<void> {
  const source = randomSource(spec);
  const want = await training('tensorflow', spec, rounded(spec, source, forms), {}, steps);
  const got = await training(engine, spec, source, forms, steps);
  for (const field of ['loss', 'gradNorm'] as const) {
    const values = ({ steps: all }: Training): number[] => all.map((step) => step[field]);
    expectClose(values(got), values(want), { rtol, atol: 0 }, field);
  }
  expect(want.steps.at(-1)!.loss).toBeLessThan(want.steps[0]!.loss);
  expect(got.parameters).toBe(want.parameters);
}

describe.skipIf(note !== '')(`training on a packed base${note}`, { timeout: 120_000 }, () => {
  it.each([
    ['webgpu', 'llama', LLAMA, { baseDtype: 'nf4' }],
    ['webgpu', 'llama', LLAMA, { baseDtype: 'f16' }],
    ['webgpu', 'gpt2', GPT2, { baseDtype: 'nf4' }],
    ['webgpu', 'gpt2', GPT2, { baseDtype: 'f16' }],
    ['webgpu', 'llama', LLAMA, { baseDtype: 'nf4', embeddingDtype: 'int8' }],
    ['webgpu', 'llama with a head of its own', UNTIED, { embeddingDtype: 'bf16' }],
    ['webgpu', 'gpt2', GPT2, { embeddingDtype: 'f16' }],
  ] as const)('on %s, %s, %o', (engine, _name, spec, forms) => compare(engine, spec, forms, 3, 1e-3));
});

describe('training on a packed base, on the processor', { timeout: 120_000 }, () => {
  it.each(PACKED_FORMATS.flatMap((baseDtype) => [LLAMA, GPT2].map((spec) => [baseDtype, spec.family, spec] as const)))(
    '%s, %s, on tensorflow',
    (baseDtype, _name, spec) => compare('tensorflow', spec, { baseDtype }, 20, 1e-4),
  );

  it.each([
    ['tensorflow', 'llama', LLAMA, { baseDtype: 'nf4', embeddingDtype: 'int8' }],
    ['tensorflow', 'gpt2', GPT2, { baseDtype: 'int8', embeddingDtype: 'f16' }],
    ['wasm', 'llama', LLAMA, { baseDtype: 'nf4' }],
    ['wasm', 'llama with a head of its own', UNTIED, { baseDtype: 'f16', embeddingDtype: 'bf16' }],
    ['wasm', 'gpt2', GPT2, { baseDtype: 'int8' }],
  ] as const)('on %s, %s, %o', (engine, _name, spec, forms) => compare(engine, spec, forms, 3, 1e-3));
});
