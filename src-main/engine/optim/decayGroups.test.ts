/**
 * Which tensors the weight decay applies to, against PyTorch: all in one group, and as Hugging Face's Trainer groups
 * them.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { loadModel, readJson, readTensors, toBatch, type CaseGolden } from '../../../test-support/goldens/goldens.ts';
import { sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { bootBackend } from '../backends/backends.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { loadAdapter } from '../../methods/adapterFolder.ts';
import { createFull } from '../../methods/full/full.ts';
import type { Decoder } from '../model/decoder.ts';
import type { Parameter } from '../model/parameters.ts';
import { trainStep } from '../train/step.ts';
import { AdamW } from './adamw.ts';
import { rulesFor, type WeightDecayOn } from './rules.ts';

interface TrainData {
  batches: Parameters<typeof toBatch>[0][];
}

const note = skipNote('golden');

describe.skipIf(note !== '')(`20 steps of every weight${note}`, () => {
  beforeAll(async () => void (await bootBackend('tensorflow')));

  it.each([
    ['gpt2', 'all', 'full'],
    ['gpt2', 'matrices', 'full_hfgroups'],
    ['llama', 'all', 'full'],
    ['llama', 'matrices', 'full_hfgroups'],
  ] as const)('%s, decay on %s', async (name, decayOn, golden) => {
    const { losses, norms, finals } = await train(name, decayOn);
    const { steps } = readJson<CaseGolden>(`golden/${name}/${golden}/golden.json`);
    expectClose(
      losses,
      steps.map((step) => step.loss),
      { rtol: 1e-4, atol: 0 },
      'losses',
    );
    expectClose(
      norms,
      steps.map((step) => step.grad_norm),
      { rtol: 1e-4, atol: 0 },
      'gradient norms',
    );
    // The final weights tell the two groupings apart: norm weights near 1 lose about 1e-3 to the decay.
    const want = readTensors(`golden/${name}/${golden}/final_model.safetensors`);
    expect(finals.size).toBeGreaterThan(0);
    // Softmax does not see a bias of the keys: its gradient is rounding noise, which Adam makes as large as any other.
    for (const [tensor, values] of finals)
      if (!tensor.endsWith('c_attn.bias'))
        expectClose(values, want.get(tensor)!.values, { rtol: 1e-4, atol: 1e-4 }, tensor);
  });
});

/**
 * PEFT trains DoRA's magnitudes with the decay of all else, both under torch.optim.AdamW and under Trainer, whose rule
 * names biases and norms only. 20 steps of decay move a magnitude by about 1e-3 of its value.
 */
describe.skipIf(note !== '')(`20 steps of DoRA${note}`, () => {
  beforeAll(async () => void (await bootBackend('tensorflow')));

  it.each(['gpt2', 'llama'])('%s: magnitudes decay as in PyTorch with PEFT', async (name) => {
    const folder = sharedPath(`golden/${name}/base`);
    const opened = openBaseModel(folder);
    const adapter = loadAdapter(sharedPath(`golden/${name}/dora/initial`), opened);
    const want = loadAdapter(sharedPath(`golden/${name}/dora/final`), opened);
    opened.close();
    const base = loadModel(folder);
    await trainLike(`golden/${name}/dora/golden.json`, base.with(adapter), adapter.parameters(), 'matrices');
    const magnitudes = adapter.parameters().filter(({ name: one }) => one.endsWith('.lora_magnitude_vector'));
    expect(magnitudes.length).toBeGreaterThan(0);
    for (const { name: one, value } of magnitudes) {
      const end = want.parameters().find((parameter) => parameter.name === one)!;
      expectClose(await value.data(), await end.value.data(), { rtol: 1e-4, atol: 1e-6 }, one);
    }
    for (const part of [adapter, want, base]) part.dispose();
  });
});

/** Losses, gradient norms and the weights at the end. */
async function train(
  name: string,
  decayOn: WeightDecayOn,
): Promise<{ losses: number[]; norms: number[]; finals: Map<string, Float32Array> }> {
  const base = loadModel(sharedPath(`golden/${name}/base`));
  const model = base.with(createFull(base, undefined));
  const parameters = [...model.weights.values()];
  const { losses, norms } = await trainLike(`golden/${name}/full/golden.json`, model, parameters, decayOn);
  const finals = new Map<string, Float32Array>();
  for (const { name: tensor, value } of parameters) finals.set(tensor, (await value.data()) as Float32Array);
  tf.dispose(parameters.map(({ value }) => value));
  return { losses, norms, finals };
}

/** The steps of a golden run; the parameters are changed. */
async function trainLike(
  golden: string,
  model: Decoder,
  parameters: Parameter[],
  decayOn: WeightDecayOn,
): Promise<{ losses: number[]; norms: number[] }> {
  const { hyperparameters, steps } = readJson<CaseGolden>(golden);
  const batches = readJson<TrainData>('golden/train_data.json').batches.map(toBatch);
  const optimizer = new AdamW(parameters, {
    beta1: 0.9,
    beta2: 0.999,
    eps: hyperparameters.eps,
    weightDecay: hyperparameters.weight_decay,
    ruleOf: rulesFor(decayOn),
  });
  const losses: number[] = [];
  const norms: number[] = [];
  for (const { batch, lr } of steps) {
    const { loss, gradNorm } = await trainStep(model, parameters, optimizer, [batches[batch!]!], {
      lr,
      clip: hyperparameters.clip,
    });
    losses.push(loss);
    norms.push(gradNorm);
  }
  optimizer.dispose();
  return { losses, norms };
}
