/** What needs a weight whole says so where a card binds it in pieces only; LoRA and DoRA do not need it. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../../test-support/checks/expectClose.ts';
import { randomiseB } from '../../test-support/fixtures/adapters.ts';
import { loadModel } from '../../test-support/goldens/goldens.ts';
import { sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { bootBackend } from '../engine/backends/backends.ts';
import { MergedTasks } from './mergedTasks.ts';
import { withMagnitudes } from './lora/dora.ts';
import { createLora, LoraAdapter, type LoraOptions } from './lora/lora.ts';
import { startPissa } from './lora/pissa.ts';

const note = skipNote('golden');
const folder = (): string => sharedPath('golden/llama/base');
const OPTIONS: LoraOptions = { rank: 2, alpha: 4, dropout: 0, targets: ['q', 'down'], init: 'kaiming' };

describe.skipIf(note !== '')(`weights in pieces${note}`, () => {
  beforeAll(async () => void (await bootBackend('tensorflow')));

  it('PiSSA and merging in memory are refused, and nothing has changed', async () => {
    const model = loadModel(folder(), { mostBytes: 8192 });
    const adapter = createLora(model.spec, OPTIONS, 1);
    await expect(startPissa(adapter.pairs, model, 1)).rejects.toThrow(
      /PiSSA needs each weight in one buffer, .*q_proj\.weight only in 2 pieces; choose another start, or /,
    );
    expect(() => new MergedTasks(model).switchTo([{ adapter, scale: 1 }])).toThrow(/; attach the adapter instead, or /);
    adapter.dispose();
    model.dispose();
  });

  it('DoRA is the same as on weights in one buffer', async () => {
    const logitsOf = async (mostBytes: number): Promise<Float32Array> => {
      const model = loadModel(folder(), { mostBytes });
      const pairs = withMagnitudes(createLora(model.spec, OPTIONS, 1).pairs, model);
      const adapter = new LoraAdapter(pairs);
      randomiseB(adapter, 3, 0.1);
      const own = model.with(adapter);
      const logits = tf.tidy(() => own.logits(own.hidden([1, 5, 9, 30, 2, 7], 1, 6)));
      const values = (await logits.data()) as Float32Array;
      logits.dispose();
      adapter.dispose();
      model.dispose();
      return values;
    };
    expectClose(await logitsOf(8192), await logitsOf(Infinity), { rtol: 1e-4, atol: 1e-4 });
  });
});
