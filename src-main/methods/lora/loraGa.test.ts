/** LoRA-GA's gradients and start against PEFT's, and its result as a plain LoRA on the original base. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { loadModel, readJson, readTensors, toBatch } from '../../../test-support/goldens/goldens.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { bootBackend } from '../../engine/backends/backends.ts';
import { availableTargets, linearModules } from '../../engine/model/architecture.ts';
import { gradientComponents } from '../firstGradient.ts';
import { createLora, LoraAdapter, makePair } from './lora.ts';
import { loraGaStarts } from './loraGa.ts';
import { converted, startFrom } from './residualStart.ts';

beforeAll(async () => void (await bootBackend('tensorflow')));

const goldenBatches = () =>
  readJson<{ batches: Parameters<typeof toBatch>[0][] }>('golden/train_data.json').batches.slice(0, 4).map(toBatch);

/** B·A, (out, in). */
function product(B: ArrayLike<number>, A: ArrayLike<number>, r: number): Float32Array {
  const matrix = (values: ArrayLike<number>, rows: number) =>
    tf.tensor2d(Float32Array.from(values), [rows, values.length / rows]);
  return tf.tidy(() => tf.matMul(matrix(B, B.length / r), matrix(A, r)).dataSync()) as Float32Array;
}

describe.skipIf(!hasShared('golden'))(`against PEFT${skipNote('golden')}`, () => {
  it.each(['llama', 'gpt2'])('%s: the first gradient, the start and the residual', async (name) => {
    const model = loadModel(sharedPath(`golden/${name}/base`));
    const targets = availableTargets(model.spec).filter((t) => name === 'llama' || !['q', 'k', 'v'].includes(t));
    const { pairs } = createLora(model.spec, { rank: 4, alpha: 8, dropout: 0, targets, init: 'lora-ga' }, 1);
    const modules = pairs.map(({ module }) => module);
    const batches = goldenBatches();
    const gradients = readTensors(`golden/${name}/lora_ga/gradients_for_init.safetensors`);
    for (const { module, U, S, V } of await gradientComponents(model, modules, batches, { k: 64, seed: 1 })) {
      const k = S.length;
      const got = product(
        U.map((u, i) => u * S[i % k]!),
        V,
        k,
      );
      const { values } = gradients.get(module.module)!;
      const [rows, columns] = [module.outFeatures, module.inFeatures];
      const want =
        module.layout === 'out_in'
          ? values
          : Float32Array.from(
              { length: rows * columns },
              (_, i) => values[(i % columns) * rows + Math.floor(i / columns)]!,
            );
      const largest = want.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      expectClose(got, want, { rtol: 0, atol: 1e-4 * largest }, `gradient of ${module.module}`);
    }
    const starts = await loraGaStarts(model, pairs, batches, { seed: 1 });
    const peft = readTensors(`golden/${name}/lora_ga/initial/adapter_model.safetensors`);
    const residuals = readTensors(`golden/${name}/lora_ga/w_res.safetensors`);
    for (const [i, pair] of pairs.entries()) {
      const { module } = pair;
      const [a, b] = ['lora_A', 'lora_B'].map((part) => peft.get(`base_model.model.${module.module}.${part}.weight`)!);
      // Vectors of PEFT's randomised decomposition are off by up to 1.8e-3 and 2.7e-3, and their signs are free.
      for (let j = 0; j < 4; j++) {
        const [ours, theirs] = [starts[i]!.A, a!.values].map((A) =>
          A.subarray(j * module.inFeatures, (j + 1) * module.inFeatures),
        );
        const sign = Math.sign(ours!.reduce((sum, x, at) => sum + x * theirs![at]!, 0));
        expectClose(
          ours!.map((x) => sign * x),
          theirs!,
          { rtol: 0, atol: 3e-3 },
          `A of ${module.module}`,
        );
        const column = (B: Float32Array) => B.filter((_, at) => at % 4 === j);
        const [oursB, theirsB] = [column(starts[i]!.B), column(b!.values)];
        const signB = Math.sign(oursB.reduce((sum, x, at) => sum + x * theirsB[at]!, 0));
        expectClose(
          oursB.map((x) => signB * x),
          theirsB,
          { rtol: 0, atol: 3e-3 },
          `B of ${module.module}`,
        );
      }
      // With PEFT's own start the residual is PEFT's.
      startFrom(pair, { A: a!.values, B: b!.values }, model.inUse(module.layer, module.target));
      const { values } = residuals.get(module.weight)!;
      expectClose(model.weights.get(module.weight)!.value.dataSync(), values, { rtol: 0, atol: 1e-6 }, module.weight);
    }
    new LoraAdapter(pairs).dispose();
    model.dispose();
  });

  it.each(['llama', 'gpt2'])("%s: PEFT's final values convert to PEFT's plain LoRA of twice the rank", async (name) => {
    const model = loadModel(sharedPath(`golden/${name}/base`));
    const read = (folder: string) => readTensors(`golden/${name}/lora_ga/${folder}/adapter_model.safetensors`);
    const [initial, final, plain] = [read('initial'), read('final'), read('final_converted_to_lora')];
    const key = (module: string, part: string) => `base_model.model.${module}.${part}.weight`;
    const modules = linearModules(model.spec).filter(
      ({ slice, module }) => !slice && initial.has(key(module, 'lora_A')),
    );
    expect(modules.length).toBeGreaterThan(4);
    const pairs = modules.map((m) =>
      makePair(m, final.get(key(m.module, 'lora_A'))!.values, final.get(key(m.module, 'lora_B'))!.values, 4, 2),
    );
    const starts = modules.map((m) => ({
      A: initial.get(key(m.module, 'lora_A'))!.values,
      B: initial.get(key(m.module, 'lora_B'))!.values,
    }));
    for (const { module, A, B, scale } of await converted(pairs, starts)) {
      expect(scale).toBe(2);
      const got = product(B.value.dataSync(), A.value.dataSync(), 8);
      const want = product(
        plain.get(key(module.module, 'lora_B'))!.values,
        plain.get(key(module.module, 'lora_A'))!.values,
        8,
      );
      expectClose(got, want, { rtol: 0, atol: 1e-5 }, module.module);
    }
    model.dispose();
  });
});
