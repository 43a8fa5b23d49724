/**
 * The MLP some rows at a time, in the forward pass and when it is computed again: the same loss and gradients as when
 * every activation is kept, dropout included; what the step holds does not grow with rows times intermediate width.
 */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bootOrNote } from '../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { randomiseB } from '../../../test-support/fixtures/adapters.ts';
import { randomModel } from '../../../test-support/fixtures/randomModel.ts';
import { Random } from '../../../src-shared/random.ts';
import { createFull } from '../../methods/full/full.ts';
import { createLora } from '../../methods/lora/lora.ts';
import { bootBackend } from '../backends/backends.ts';
import { architectureFromConfig, availableTargets, type ModelConfig } from '../model/architecture.ts';
import type { Decoder } from '../model/decoder.ts';
import { replaceValue, type Parameter } from '../model/parameters.ts';
import { headName } from '../model/tensorNames.ts';
import { batchLoss, type Batch } from './batchLoss.ts';
import { valueAndGradients } from './gradients.ts';
import { recomputing } from './recompute.ts';

const F = 96;
const shared = { hidden_size: 16, num_attention_heads: 4, intermediate_size: F, vocab_size: 32, num_hidden_layers: 3 };
const FAMILIES: Record<string, ModelConfig> = {
  llama: { ...shared, model_type: 'llama', num_key_value_heads: 2, max_position_embeddings: 128 },
  gemma2: { ...shared, model_type: 'gemma2', num_key_value_heads: 2, head_dim: 4, query_pre_attn_scalar: 4 },
  gpt_neox: { ...shared, model_type: 'gpt_neox', max_position_embeddings: 128, rotary_pct: 0.5 },
};
/** Of a row of 90 tokens and one of 31: parts of like size, the last of them smaller. */
const ROWS_AT_ONCE = 17;

function batchOf(): Batch {
  const random = new Random(4);
  const [lengths, T] = [[90, 31], 90];
  const mask = Int32Array.from({ length: 2 * T }, (_, i) => Number(i % T < lengths[Math.floor(i / T)]!));
  const ids = mask.map((real) => (real ? random.integer(32) : 0));
  return { ids, labels: ids.map((id, i) => (mask[i] ? id : -100)), mask, B: 2, T };
}

interface Subject {
  model: Decoder;
  parameters: Parameter[];
  begin(): void;
}

function lora(family: string, dropout: number, intermediate = F): Subject {
  const spec = architectureFromConfig({ ...FAMILIES[family]!, intermediate_size: intermediate });
  const targets = availableTargets(spec).filter((target) => target !== 'qkv');
  const adapter = createLora(spec, { rank: 2, alpha: 4, dropout, targets, init: 'kaiming' }, 1);
  randomiseB(adapter, 5);
  return {
    model: randomModel(spec, 3).with(adapter),
    parameters: adapter.parameters(),
    begin: () => (adapter.dropout = dropout > 0 ? { rate: dropout, random: new Random(9) } : null),
  };
}

function full(): Subject {
  const model = randomModel(architectureFromConfig(FAMILIES['llama']!), 3);
  const parameters = [...model.weights.values()];
  return { model: model.with(createFull(model, undefined)), parameters, begin: () => undefined };
}

interface Measured {
  loss: number;
  gradients: Float32Array[];
  /** Most bytes that tensors held between two ops, above what they held before. */
  peakBytes: number;
}

/** Activations kept, or blocks computed again with at most so many floats of a result at once. */
async function measure({ model, parameters, begin }: Subject, how: 'kept' | number): Promise<Measured> {
  const engine = tf.engine();
  const before = tf.memory().numBytes;
  let peakBytes = 0;
  const { runKernel } = engine;
  vi.spyOn(engine, 'runKernel').mockImplementation((...args) => {
    const result = runKernel.apply(engine, args);
    peakBytes = Math.max(peakBytes, tf.memory().numBytes - before);
    return result as never;
  });
  begin();
  const trained = parameters.map(({ value }) => value);
  const recompute = how === 'kept' ? undefined : recomputing(trained, how);
  const trainHead = parameters.some(({ name }) => name === headName(model.spec));
  const { value, gradients } = valueAndGradients(
    () => batchLoss(model, batchOf(), { gradients: true, trainHead, recompute }),
    trained,
    { keepForward: recompute !== undefined },
  );
  vi.restoreAllMocks();
  const result = {
    loss: (await value.data())[0]!,
    gradients: (await Promise.all(gradients.map((gradient) => gradient.data()))) as Float32Array[],
    peakBytes,
  };
  tf.dispose([value, ...gradients]);
  return result;
}

/** The parameters moved by `factor` times `along`. */
function move(parameters: Parameter[], along: Float32Array[], factor: number): void {
  for (const [i, parameter] of parameters.entries()) {
    const step = tf.tidy(() => tf.mul(tf.tensor(along[i]!, parameter.value.shape), factor));
    replaceValue(
      parameter,
      tf.tidy(() => tf.add(parameter.value, step)),
    );
    step.dispose();
  }
}

afterEach(() => vi.restoreAllMocks());

const webgpuNote = await bootOrNote('webgpu');

describe.each([
  ['tensorflow', '', 1e-5],
  ['webgpu', webgpuNote, 2e-5],
] as const)('on %s%s', (engine, note, tolerance) => {
  if (note !== '') return it.skip('without a graphics driver');
  beforeAll(async () => void (await bootBackend(engine)));

  it.each([
    ['LoRA on Llama', () => lora('llama', 0)],
    ['norms behind the MLP', () => lora('gemma2', 0)],
    ['attention and MLP side by side', () => lora('gpt_neox', 0)],
    ['every weight', full],
  ] as const)('%s: as with every activation kept, and nothing is left over', async (_, open) => {
    const subject = open();
    const kept = await measure(subject, 'kept'); // by now the model's tables exist
    const tensors = tf.memory().numTensors;
    const parts = await measure(subject, ROWS_AT_ONCE * F);
    expect(tf.memory().numTensors).toBe(tensors);
    expectClose([parts.loss], [kept.loss], { rtol: tolerance, atol: 0 }, 'loss');
    for (const [i, { name }] of subject.parameters.entries()) {
      const scale = Math.max(...kept.gradients[i]!.map(Math.abs));
      expect(scale, name).toBeGreaterThan(0);
      expectClose(parts.gradients[i]!, kept.gradients[i]!, { rtol: tolerance, atol: tolerance * scale }, name);
    }
    subject.model.dispose();
  });
});

describe('some rows at a time', () => {
  beforeAll(async () => void (await bootBackend('tensorflow')));

  // Each part draws its own dropout, so the loss is another; its slope along the gradient is the gradient's square.
  it.each(['llama', 'gpt_neox'])('what %s drops is dropped again for the gradient', async (family) => {
    const subject = lora(family, 0.3);
    const { gradients } = await measure(subject, ROWS_AT_ONCE * F);
    const square = gradients.reduce((sum, all) => sum + all.reduce((part, g) => part + g * g, 0), 0);
    const step = 0.004 / Math.sqrt(square);
    move(subject.parameters, gradients, step);
    const { loss: above } = await measure(subject, ROWS_AT_ONCE * F);
    move(subject.parameters, gradients, -2 * step);
    const { loss: below } = await measure(subject, ROWS_AT_ONCE * F);
    expect((above - below) / (2 * step)).toBeGreaterThan(0.97 * square);
    expect((above - below) / (2 * step)).toBeLessThan(1.03 * square);
    subject.model.dispose();
  });

  it('holds no result of the MLP as a whole', async () => {
    const wide = 2048; // so that nothing else is as large
    const subject = lora('llama', 0, wide);
    const whole = await measure(subject, Infinity);
    const parts = await measure(subject, ROWS_AT_ONCE * wide);
    const ofMlp = 4 * 121 * wide; // bytes of one result, of 121 tokens
    expect(whole.peakBytes - parts.peakBytes).toBeGreaterThan(2 * ofMlp);
    subject.model.dispose();
  });
});
