/**
 * Models whose matrices are in pieces, as a device with small bindings would have them, against PyTorch: with an
 * adapter, and with every weight trained and written.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootOrNote } from '../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { loadModel, readJson, readTensors, toBatch, type CaseGolden } from '../../../test-support/goldens/goldens.ts';
import { sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { goldenSuite } from '../../../test-support/suites/goldenSuite.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { createFull, fullMethod } from '../../methods/full/full.ts';
import { openSafetensors, readTensorF32 } from '../../safetensors/read.ts';
import { bootBackend } from '../backends/backends.ts';
import { AdamW } from '../optim/adamw.ts';
import { trainStep } from '../train/step.ts';

/** The embedding (256, 64) then has five pieces, an attention matrix two, and no piece as many rows as another. */
const mostBytes = 57 * 64 * 4;

for (const [engine, rtol] of [
  ['tensorflow', 1e-4],
  ['webgpu', 1e-3],
] as const) {
  await goldenSuite(engine, rtol, {
    bases: ['gpt2', 'llama'],
    cases: ['gpt2/lora_all', 'llama/lora_all'],
    load: { mostBytes },
  });

  const note = skipNote('golden') || (await bootOrNote(engine));
  describe.skipIf(note !== '')(`every weight trained in pieces on ${engine}${note}`, { timeout: 120_000 }, () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-pieces-'));
    beforeAll(async () => void (await bootBackend(engine)));
    afterAll(() => fs.rmSync(folder, { recursive: true }));

    it.each(['gpt2', 'llama'])('20 steps of %s, and the file', async (name) => {
      const before = tf.memory().numTensors;
      const base = loadModel(sharedPath(`golden/${name}/base`), { mostBytes });
      const embedding = base.weights.get(name === 'gpt2' ? 'transformer.wte.weight' : 'model.embed_tokens.weight')!;
      expect(embedding.pieces!.map(({ value }) => value.shape[0])).toEqual([52, 52, 52, 52, 48]);
      const adapter = createFull(base, undefined);
      const golden = readJson<CaseGolden>(`golden/${name}/full/golden.json`);
      const { eps, weight_decay: weightDecay, clip } = golden.hyperparameters;
      const parameters = adapter.parameters();
      const optimizer = new AdamW(parameters, { beta1: 0.9, beta2: 0.999, eps, weightDecay });
      const batches = readJson<{ batches: Parameters<typeof toBatch>[0][] }>('golden/train_data.json').batches;
      const results = [];
      for (const { batch, lr } of golden.steps)
        results.push(
          await trainStep(base.with(adapter), parameters, optimizer, [toBatch(batches[batch!]!)], { lr, clip }),
        );
      expectClose(
        results.flatMap(({ loss, gradNorm }) => [loss, gradNorm]),
        golden.steps.flatMap(({ loss, grad_norm: norm }) => [loss, norm]),
        { rtol, atol: 0 },
        'losses and gradient norms',
      );

      const opened = openBaseModel(sharedPath(`golden/${name}/base`));
      const outDir = path.join(folder, name);
      await fullMethod.save(outDir, adapter, { type: 'full' }, opened, {} as never);
      opened.close();
      const saved = openSafetensors(path.join(outDir, 'model.safetensors'));
      const want = readTensors(`golden/${name}/full/final_model.safetensors`);
      for (const [tensor, info] of saved.tensors) {
        // Softmax does not see a bias of the keys: its gradient is noise, which Adam makes as large as any other.
        if (tensor.endsWith('c_attn.bias')) continue;
        expect(info.shape).toEqual(want.get(tensor)!.shape);
        expectClose(
          readTensorF32(info),
          want.get(tensor)!.values,
          { rtol: 1e-4, atol: engine === 'webgpu' ? 1e-3 : 1e-4 },
          tensor,
        );
      }
      saved.close();
      optimizer.dispose();
      base.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}
