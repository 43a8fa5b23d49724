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
import { createFull } from '../../methods/full/full.ts';
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

/** Losses, gradient norms and the weights at the end. */
async function train(
  name: string,
  decayOn: WeightDecayOn,
): Promise<{ losses: number[]; norms: number[]; finals: Map<string, Float32Array> }> {
  const { hyperparameters, steps } = readJson<CaseGolden>(`golden/${name}/full/golden.json`);
  const batches = readJson<TrainData>('golden/train_data.json').batches.map(toBatch);
  const base = loadModel(sharedPath(`golden/${name}/base`));
  const model = base.with(createFull(base, undefined));
  const parameters = [...model.weights.values()];
  const optimizer = new AdamW(parameters, {
    beta1: 0.9,
    beta2: 0.999,
    eps: hyperparameters.eps,
    weightDecay: hyperparameters.weight_decay,
    ruleOf: rulesFor(decayOn),
  });
  const [losses, norms]: number[][] = [[], []];
  for (const { batch, lr } of steps) {
    const { loss, gradNorm } = await trainStep(model, parameters, optimizer, [batches[batch!]!], {
      lr,
      clip: hyperparameters.clip,
    });
    losses!.push(loss);
    norms!.push(gradNorm);
  }
  const finals = new Map<string, Float32Array>();
  for (const { name: tensor, value } of parameters) finals.set(tensor, (await value.data()) as Float32Array);
  optimizer.dispose();
  tf.dispose(parameters.map(({ value }) => value));
  return { losses: losses!, norms: norms!, finals };
}
