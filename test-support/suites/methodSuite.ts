/**
 * Every fine-tuning method without a golden: its loss and gradients against a float64 model in plain loops (gradients
 * by central differences), then 20 steps whose losses that model confirms with the values of each step, and no tensor
 * left over.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../src-shared/backends.ts';
import type { Adapter } from '../../src-main/methods/adapter.ts';
import { architectureFromConfig } from '../../src-main/engine/model/architecture.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import { replaceValue, type Parameter } from '../../src-main/engine/model/parameters.ts';
import { AdamW } from '../../src-main/engine/optim/adamw.ts';
import { Random } from '../../src-shared/random.ts';
import type { Batch } from '../../src-main/engine/train/batchLoss.ts';
import { accumulateGradients, trainStep } from '../../src-main/engine/train/step.ts';
import { bootOrNote } from '../checks/engineSkip.ts';
import { expectClose } from '../checks/expectClose.ts';
import { TABLE_METHODS, type TableMethod } from '../cases/methodTable.ts';
import { randomModel } from '../fixtures/randomModel.ts';
import { array64, type Array64 } from '../reference/array.ts';
import { referenceLoss, type Row } from '../reference/decoder.ts';
import { withVirtualTokens } from '../cases/virtualBatch.ts';

const TINY = {
  llama: {
    model_type: 'llama',
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 40,
    max_position_embeddings: 64,
  },
  gpt2: { model_type: 'gpt2', n_embd: 16, n_head: 4, n_layer: 2, n_positions: 64, vocab_size: 40 },
};
const STEPS = 20;
const H = 1e-5;
/** Derivatives of the reference by method and element: the engines start from the same values, and share a process. */
const derivatives = new Map<string, number>();

/** On small random models, so that central differences stay cheap. */
export async function methodSuite(engine: BackendName, rtol: number): Promise<void> {
  const note = await bootOrNote(engine);
  describe.skipIf(note !== '').each(['gpt2', 'llama'] as const)(
    `methods on ${engine} against float64: %s${note}`,
    (family) => {
      const methods = TABLE_METHODS.filter(({ needsBiases }) => !needsBiases || family === 'gpt2');
      it.each(methods)('$name', async (method) => {
        const { model, batches } = randomParts(family);
        const adapter = method.create(model);
        disturb(adapter.parameters());
        await checkMethod(model.with(adapter), adapter, method, batches, rtol);
        adapter.dispose();
        model.dispose();
      });
    },
  );
}

/** Two rows of 12 and 9 tokens per batch, the first 3 and 4 of them prompt. */
function randomParts(family: keyof typeof TINY): { model: Decoder; batches: Batch[] } {
  const model = randomModel(architectureFromConfig(TINY[family]), 3);
  const random = new Random(11);
  const batches = Array.from({ length: 8 }, () => {
    const ids = Int32Array.from({ length: 24 }, () => random.integer(model.spec.vocab));
    const real = (i: number): boolean => i < 12 + 9;
    return {
      ids,
      labels: ids.map((id, i) => (real(i) && i % 12 >= 3 + Math.floor(i / 12) ? id : -100)),
      mask: ids.map((_, i) => (real(i) ? 1 : 0)),
      B: 2,
      T: 12,
    };
  });
  return { model, batches };
}

/** What starts at zero would hide a wrong gradient of what it is multiplied with. */
function disturb(parameters: Parameter[]): void {
  for (const parameter of parameters) {
    const noise = Random.stream(1, parameter.name).normal(parameter.value.size, 0.05);
    replaceValue(
      parameter,
      tf.tidy(() => tf.add(parameter.value, tf.tensor(noise, parameter.value.shape))),
    );
  }
}

async function checkMethod(
  model: Decoder,
  adapter: Adapter,
  method: TableMethod,
  batches: Batch[],
  rtol: number,
): Promise<void> {
  const { spec } = model;
  const parameters = adapter.parameters();
  const base = await arraysOf([...model.weights.values()]);
  const reference = method.reference();
  const lossOf = (values: Map<string, Array64>, batch: Batch): number =>
    referenceLoss(spec, reference(spec, base, values), rowsOf(batch));
  const engineBatches = batches.map((batch) => withVirtualTokens(batch, spec.vocab, adapter));
  const loss = (values: Map<string, Array64>): number => lossOf(values, batches[0]!);
  await checkGradients(model, parameters, engineBatches[0]!, loss, `${spec.family} ${method.name}`, rtol);
  const optimizer = new AdamW(parameters, { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 });
  const [got, want]: [number[], number[]] = [[], []];
  let tensors = 0;
  for (let step = 0; step < STEPS; step++) {
    const { [step % batches.length]: batch } = batches;
    const fresh = method.reference(); // norms that count as constant are those of the step
    const values = await arraysOf(parameters);
    want.push(referenceLoss(spec, fresh(spec, base, values), rowsOf(batch!)));
    got.push(
      (await trainStep(model, parameters, optimizer, [engineBatches[step % batches.length]!], { lr: 1e-2, clip: 1 }))
        .loss,
    );
    if (step === 0) tensors = tf.memory().numTensors;
  }
  expect(tf.memory().numTensors).toBe(tensors);
  optimizer.dispose();
  expectClose(got, want, { rtol, atol: 0 }, 'losses');
  expect(got.at(-1)).not.toBeCloseTo(got[0]!, 2);
}

/** Of each tensor the element with the largest gradient, and one other. */
async function checkGradients(
  model: Decoder,
  parameters: Parameter[],
  batch: Batch,
  loss: (values: Map<string, Array64>) => number,
  label: string,
  rtol: number,
): Promise<void> {
  const { loss: engineLoss, gradients } = accumulateGradients(model, parameters, [batch]);
  const values = await arraysOf(parameters);
  expectClose(await engineLoss.data(), [loss(values)], { rtol, atol: 0 }, 'loss');
  for (const [i, { name }] of parameters.entries()) {
    const got = (await gradients[i]!.data()) as Float32Array;
    const largest = got.reduce((best, value, k) => (Math.abs(value) > Math.abs(got[best]!) ? k : best), 0);
    const x = values.get(name)!;
    for (const k of new Set([largest, Random.stream(2, name).integer(got.length)])) {
      expectClose(
        [got[k]!],
        [once(`${label} ${name}[${k}]`, () => derivative(() => loss(values), x, k))],
        { rtol: 0, atol: rtol * Math.abs(got[largest]!) + 1e-7 },
        `gradient of ${name}[${k}]`,
      );
    }
  }
  tf.dispose([engineLoss, ...gradients]);
}

function once(key: string, compute: () => number): number {
  const value = derivatives.get(key) ?? compute();
  derivatives.set(key, value);
  return value;
}

function derivative(f: () => number, x: Array64, k: number): number {
  const value = x.data[k]!;
  x.data[k] = value + H;
  const above = f();
  x.data[k] = value - H;
  const below = f();
  x.data[k] = value;
  return (above - below) / (2 * H);
}

async function arraysOf(parameters: Parameter[]): Promise<Map<string, Array64>> {
  return new Map(
    await Promise.all(
      parameters.map(
        async ({ name, value }) => [name, array64(value.shape, Float64Array.from(await value.data()))] as const,
      ),
    ),
  );
}

function rowsOf({ ids, labels, mask, B, T }: Batch): Row[] {
  return Array.from({ length: B }, (_, b) => {
    const real = (values: Int32Array): number[] =>
      Array.from(values.subarray(b * T, (b + 1) * T)).filter((__, t) => mask[b * T + t]);
    return { ids: real(ids), labels: real(labels) };
  });
}
