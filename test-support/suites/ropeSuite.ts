/**
 * Rotary positions stretched to longer texts, against PyTorch: every way that the reference data has, in both forms of
 * config.json, texts beyond the original length, and generation across it.
 */
import fs from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../src-shared/backends.ts';
import { Random } from '../../src-shared/random.ts';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { generateBatch } from '../../src-main/engine/generate/generate.ts';
import { architectureFromConfig, type ModelConfig } from '../../src-main/engine/model/architecture.ts';
import { Decoder } from '../../src-main/engine/model/decoder.ts';
import { packedIndex, packingOf } from '../../src-main/engine/model/packing.ts';
import { loadWeights } from '../../src-main/engine/model/weights.ts';
import { bootOrNote } from '../checks/engineSkip.ts';
import { expectClose } from '../checks/expectClose.ts';
import { attendedRows, loadModel, readJson, readTensors } from '../goldens/goldens.ts';
import { hasShared, sharedPath, skipNote } from '../goldens/shared.ts';

interface Long {
  long: { input_ids: number[][]; attention_mask: number[][] };
  generation: { crossing: { prompt: number[]; new_tokens_without_cache: number[] } };
}

const MODELS = ['gemma3', 'olmo2', 'smollm3', 'granite', 'phi4mini', 'llama_yarn', 'llama_linear'];
const variantsOf = (model: string): string[] =>
  hasShared(`golden/${model}/variants`) ? fs.readdirSync(sharedPath(`golden/${model}/variants`)) : [];
const VARIANTS = ['llama_linear', 'llama_yarn'].flatMap((model) =>
  variantsOf(model).flatMap((variant) => ['config.json', 'config.v5.json'].map((file) => [model, variant, file])),
);

/** Runs the suite on one engine; `rtol` is the relative tolerance against PyTorch. */
export async function ropeSuite(engine: BackendName, rtol: number): Promise<void> {
  const note = skipNote('golden') || (await bootOrNote(engine));
  const close = (got: ArrayLike<number>, want: ArrayLike<number>): void => expectClose(got, want, { rtol, atol: rtol });
  describe.skipIf(note !== '')(`rotary positions on ${engine} against PyTorch goldens${note}`, () => {
    it.each(MODELS)('a batch of 48 tokens of %s', async (model) => {
      const { long } = readJson<Long>(`golden/${model}/base/golden.json`);
      const mask = Int32Array.from(long.attention_mask.flat());
      const decoder = loadModel(sharedPath(`golden/${model}/base`));
      const got = await logitsOf(decoder, long.input_ids);
      const want = readTensors(`golden/${model}/base/logits.safetensors`).get('logits_long')!.values;
      close(attendedRows(got, mask, 256), attendedRows(want, mask, 256));
      const index = packedIndex(mask);
      const packed = tf.tidy(() => {
        const ids = index.tokens.map((place) => long.input_ids.flat()[place]!);
        return decoder.logits(decoder.hidden(ids, 2, 48, { packing: packingOf(index, 48) }));
      });
      close(await packed.data(), attendedRows(want, mask, 256));
      packed.dispose();
      decoder.dispose();
    });

    it('29 tokens of Phi-4-mini, short enough alone for its short factors', async () => {
      const { long } = readJson<Long>('golden/phi4mini/base/golden.json');
      const decoder = loadModel(sharedPath('golden/phi4mini/base'));
      const got = await logitsOf(decoder, [long.input_ids[1]!.slice(0, 29)]);
      close(got, readTensors('golden/phi4mini/base/logits.safetensors').get('logits_long_row1_alone')!.values);
      decoder.dispose();
    });

    it('greedy tokens of Phi-4-mini across its original length, alone and in a batch with a shorter row', async () => {
      const { prompt, new_tokens_without_cache: want } = readJson<Long>('golden/phi4mini/base/golden.json').generation
        .crossing;
      const decoder = loadModel(sharedPath('golden/phi4mini/base'));
      const { greedy } = readJson<{ generation: { greedy: { prompt: number[]; new_tokens: number[] } } }>(
        'golden/phi4mini/base/golden.json',
      ).generation;
      expect(await generated(decoder, [[prompt, want.length]])).toEqual([want]);
      const both = await generated(decoder, [
        [prompt, want.length],
        [greedy.prompt, greedy.new_tokens.length],
      ]);
      expect(both).toEqual([want, greedy.new_tokens]);
      decoder.dispose();
    });

    it.each(VARIANTS)('%s with %s, %s', async (model, variant, file) => {
      const folder = `golden/${model}/variants/${variant}`;
      const spec = architectureFromConfig(readJson<ModelConfig>(`${folder}/${file}`));
      const base = openBaseModel(sharedPath(`golden/${model}/base`));
      const decoder = new Decoder(spec, loadWeights(spec, base));
      base.close();
      const { input_ids: ids } = readJson<{ input_ids: number[][] }>(`${folder}/golden.json`);
      close(await logitsOf(decoder, ids), readTensors(`${folder}/logits.safetensors`).get('logits')!.values);
      decoder.dispose();
    });
  });
}

async function logitsOf(model: Decoder, ids: number[][]): Promise<ArrayLike<number>> {
  const logits = tf.tidy(() => model.logits(model.hidden(ids.flat(), ids.length, ids[0]!.length)));
  const values = await logits.data();
  logits.dispose();
  return values;
}

async function generated(model: Decoder, rows: [prompt: number[], count: number][]): Promise<number[][]> {
  const texts: number[][] = rows.map(() => []);
  const asked = rows.map(([prompt, maxNew]) => ({
    prompt,
    options: { maxNew, temperature: 0, eosIds: [], random: new Random(0) },
  }));
  for await (const event of generateBatch(model, asked)) if ('id' in event) texts[event.row]!.push(event.id);
  return texts;
}
