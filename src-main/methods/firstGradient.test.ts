/** The sketch of a gradient that is too wide to be held whole, against the whole one. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { randomModel } from '../../test-support/fixtures/randomModel.ts';
import { expectClose } from '../../test-support/checks/expectClose.ts';
import { bootBackend } from '../engine/backends/backends.ts';
import { architectureFromConfig, linearModules } from '../engine/model/architecture.ts';
import type { Batch } from '../engine/train/batchLoss.ts';
import { accumulateGradients } from '../engine/train/step.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import { FullTuning } from './full/full.ts';
import { svd } from '../linalg/svd.ts';
import { columnsOf } from '../linalg/vectors.ts';
import { gradientComponents } from './firstGradient.ts';

beforeAll(async () => void (await bootBackend('tensorflow')));

const SPEC = architectureFromConfig({
  model_type: 'llama',
  hidden_size: 136,
  intermediate_size: 144,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  vocab_size: 32,
  max_position_embeddings: 16,
});
/** Six tokens, so that no gradient has more than six singular values. */
const BATCH: Batch = {
  ids: Int32Array.of(1, 5, 9, 30, 2, 7),
  labels: Int32Array.of(-100, -100, 9, 30, 2, 7),
  mask: new Int32Array(6).fill(1),
  B: 1,
  T: 6,
};

/** dL/dW as full fine-tuning has it, which the PyTorch goldens judge. */
function weightGradient(model: Decoder, name: string): Float32Array {
  const tuning = new FullTuning(model.weights);
  const parameters = tuning.parameters();
  const { loss, gradients } = accumulateGradients(model.with(tuning), parameters, [BATCH]);
  const values = gradients[parameters.findIndex((parameter) => parameter.name === name)]!.dataSync() as Float32Array;
  tf.dispose([loss, ...gradients]);
  return values;
}

it('finds the singular values and vectors of dL/dW where both sides are above the exact limit', async () => {
  const model = randomModel(SPEC, 2);
  const modules = linearModules(SPEC).filter(({ target }) => target === 'down' || target === 'gate');
  const found = await gradientComponents(model, modules, [BATCH], { k: 4, seed: 1 });
  for (const { module, U, S, V, squaredNorm } of found) {
    const whole = weightGradient(model, module.weight);
    const { outFeatures: rows, inFeatures: columns } = module;
    const want = svd(
      columnsOf(whole, rows, columns).map((c) => Float64Array.from(c)),
      rows,
      4,
    );
    expect(S).toHaveLength(4);
    expectClose(S, want.S, { rtol: 1e-4, atol: 0 }, module.module);
    for (let k = 0; k < 3; k++) {
      const u = Array.from({ length: rows }, (_, i) => U[i * 4 + k]! * want.U[k]![i]!).reduce((a, b) => a + b, 0);
      const v = Array.from({ length: columns }, (_, j) => V[k * columns + j]! * want.V[k]![j]!).reduce(
        (a, b) => a + b,
        0,
      );
      expect(Math.abs(u)).toBeCloseTo(1, 3);
      expect(Math.abs(v)).toBeCloseTo(1, 3);
    }
    const norm = whole.reduce((sum, g) => sum + g * g, 0);
    expectClose([squaredNorm], [norm], { rtol: 1e-3, atol: 0 });
  }
  model.dispose();
});
