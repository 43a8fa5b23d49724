/**
 * Gradient checkpointing: the same loss and gradients, dropout included, with less held at a time and nothing left
 * over.
 */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { randomiseB } from '../../../test-support/fixtures/adapters.ts';
import { bootOrNote } from '../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { randomModel } from '../../../test-support/fixtures/randomModel.ts';
import { bootBackend } from '../backends/backends.ts';
import { createFull } from '../../methods/full/full.ts';
import { createLora } from '../../methods/lora/lora.ts';
import { architectureFromConfig } from '../model/architecture.ts';
import type { Decoder } from '../model/decoder.ts';
import type { Parameter } from '../model/parameters.ts';
import { Random } from '../../../src-shared/random.ts';
import type { Batch } from './batchLoss.ts';
import { accumulateGradients } from './step.ts';

const LLAMA = architectureFromConfig({
  model_type: 'llama',
  hidden_size: 16,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 40,
  vocab_size: 32,
  max_position_embeddings: 64,
});
const GPT2 = architectureFromConfig({
  model_type: 'gpt2',
  n_embd: 16,
  n_layer: 6,
  n_head: 4,
  vocab_size: 32,
  n_positions: 64,
  activation_function: 'gelu_new',
});
const LENGTHS = [40, 64, 17];

function batchOf(): Batch {
  const random = new Random(4);
  const [B, T] = [LENGTHS.length, Math.max(...LENGTHS)];
  const mask = Int32Array.from({ length: B * T }, (_, i) => Number(i % T < LENGTHS[Math.floor(i / T)]!));
  const ids = mask.map((real) => (real ? random.integer(32) : 0));
  return { ids, labels: ids.map((id, i) => (mask[i] ? id : -100)), mask, B, T };
}

interface Subject {
  model: Decoder;
  parameters: Parameter[];
  beforeMicroBatch?: () => void;
}

function lora(dropout: number): Subject {
  const adapter = createLora(
    LLAMA,
    { rank: 2, alpha: 4, dropout, targets: ['q', 'v', 'o', 'down'], init: 'kaiming' },
    1,
  );
  randomiseB(adapter, 5);
  return {
    model: randomModel(LLAMA, 3).with(adapter),
    parameters: adapter.parameters(),
    beforeMicroBatch: () => (adapter.dropout = dropout > 0 ? { rate: dropout, random: new Random(9) } : null),
  };
}

function full(): Subject {
  const model = randomModel(GPT2, 3);
  return { model: model.with(createFull(model, undefined)), parameters: [...model.weights.values()] };
}

interface Measured {
  loss: number;
  gradients: Float32Array[];
  /** Most bytes that tensors held between two ops, above what they held before. */
  peakBytes: number;
}

async function measure(
  { model, parameters, beforeMicroBatch }: Subject,
  gradientCheckpointing: boolean,
): Promise<Measured> {
  const engine = tf.engine();
  const before = tf.memory();
  let peakBytes = 0;
  const { runKernel } = engine;
  vi.spyOn(engine, 'runKernel').mockImplementation((...args) => {
    const result = runKernel.apply(engine, args);
    peakBytes = Math.max(peakBytes, tf.memory().numBytes - before.numBytes);
    return result as never;
  });
  const { loss, gradients } = accumulateGradients(model, parameters, [batchOf()], {
    gradientCheckpointing,
    ...(beforeMicroBatch ? { beforeMicroBatch } : {}),
  });
  vi.restoreAllMocks();
  const result = {
    loss: (await loss.data())[0]!,
    gradients: (await Promise.all(gradients.map((gradient) => gradient.data()))) as Float32Array[],
    peakBytes,
  };
  tf.dispose([loss, ...gradients]);
  return result;
}

afterEach(() => vi.restoreAllMocks());

const webgpuNote = await bootOrNote('webgpu');

describe.each([
  ['tensorflow', '', 1e-6],
  ['webgpu', webgpuNote, 1e-5],
] as const)('on %s%s', (engine, note, tolerance) => {
  if (note !== '') return it.skip('without a graphics driver');
  beforeAll(async () => void (await bootBackend(engine)));

  it.each([
    ['LoRA', () => lora(0)],
    ['LoRA with dropout', () => lora(0.3)],
    ['every weight', full],
  ] as const)('%s', async (_, open) => {
    const subject = open();
    await measure(subject, false); // by now the model's tables exist
    const tensors = tf.memory().numTensors;
    const kept = await measure(subject, false);
    const again = await measure(subject, true);
    expect(tf.memory().numTensors).toBe(tensors);
    expectClose([again.loss], [kept.loss], { rtol: tolerance, atol: 0 }, 'loss');
    for (const [i, { name }] of subject.parameters.entries()) {
      const scale = Math.max(...kept.gradients[i]!.map(Math.abs));
      expect(scale, name).toBeGreaterThan(0);
      expectClose(again.gradients[i]!, kept.gradients[i]!, { rtol: tolerance, atol: tolerance * scale }, name);
    }
    expect(again.peakBytes).toBeLessThan(0.65 * kept.peakBytes);
    subject.model.dispose();
  });
});
