/** Decoding with the cache on the pretrained stories260K, against its published text and float64 logits. */
import fs from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { loadModel, readJson } from '../../../test-support/goldens/goldens.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { bootBackend } from '../backends/backends.ts';
import type { Decoder } from '../model/decoder.ts';
import { KvCache } from '../model/kvCache.ts';
import { Random } from '../../../src-shared/random.ts';
import { generateTokens, lastLogits, type GenerateOptions } from './generate.ts';

const STORIES = 'data/stories260k';

interface Reference {
  ids_bos_first: number[];
  mean_nll_of_greedy_ids: number;
  logits_step0_after_bos: number[];
  logits_step10: number[];
  logits_step255: number[];
}

describe.skipIf(!hasShared(STORIES))(`stories260K${skipNote(STORIES)}`, () => {
  let model: Decoder;
  let reference: Reference;
  beforeAll(async () => {
    await bootBackend('tensorflow');
    model = loadModel(sharedPath(STORIES));
    reference = readJson<Reference>(`${STORIES}/reference_float64.json`);
  });
  afterAll(() => model.dispose());

  async function collect(
    prompt: number[],
    options: Partial<GenerateOptions> = {},
  ): Promise<{ ids: number[]; end: 'length' | 'eos' }> {
    const tokens = generateTokens(model, prompt, {
      maxNew: 20,
      temperature: 0,
      eosIds: [],
      random: new Random(0),
      ...options,
    });
    const ids: number[] = [];
    for (let next = await tokens.next(); ; next = await tokens.next()) {
      if (next.done) return { ids, end: next.value };
      ids.push(next.value);
    }
  }

  it('reproduces the 256 published greedy tokens from BOS, with the cache', async () => {
    const { ids, end } = await collect([1], { maxNew: 256 });
    expect(ids).toEqual(reference.ids_bos_first.slice(1));
    expect(end).toBe('length');
    expect(loadTokenizer(sharedPath(STORIES)).decode(ids)).toBe(
      fs.readFileSync(sharedPath(`${STORIES}/expected_greedy_upstream.txt`), 'utf8'),
    );
  });

  it('matches the float64 logits, token by token with the cache and all at once without', async () => {
    const ids = reference.ids_bos_first;
    const wanted: Record<number, number[]> = {
      0: reference.logits_step0_after_bos,
      10: reference.logits_step10,
      255: reference.logits_step255,
    };
    const all = tf.tidy(() => model.logits(model.hidden(ids.slice(0, 256), 1, 256)));
    const atOnce = await all.data();
    all.dispose();
    const cache = new KvCache();
    let nll = 0;
    for (let t = 0; t < 256; t++) {
      const tensor = lastLogits(model, Int32Array.of(ids[t]!), cache);
      const logits = (await tensor.data()) as Float32Array;
      tensor.dispose();
      nll += Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - logits[ids[t + 1]!]!;
      const want = wanted[t];
      if (!want) continue;
      const scale = Math.max(...want.map(Math.abs));
      for (const got of [logits, atOnce.slice(t * 512, (t + 1) * 512)])
        expectClose(got, want, { rtol: 1e-4, atol: 1e-5 * scale }, `logits of step ${t}`);
    }
    cache.dispose();
    expect(nll / 256).toBeCloseTo(reference.mean_nll_of_greedy_ids, 5);
  });

  it('a prompt taken at once goes on as one taken token by token', async () => {
    const { ids } = await collect(reference.ids_bos_first.slice(0, 100), { maxNew: 30 });
    expect(ids).toEqual(reference.ids_bos_first.slice(100, 130));
  });

  it('ends at an end token, which it does not yield', async () => {
    const stop = reference.ids_bos_first[12]!;
    const first = reference.ids_bos_first.indexOf(stop);
    expect(await collect([1], { eosIds: [stop] })).toEqual({
      ids: reference.ids_bos_first.slice(1, first),
      end: 'eos',
    });
  });

  it("stops at the model's longest sequence", async () => {
    const prompt = Array.from({ length: 509 }, () => 403);
    // Positions 509, 510 and 511 are read; the token after the last of them is still known.
    expect(await collect(prompt)).toMatchObject({
      ids: expect.objectContaining({ length: 4 }) as number[],
      end: 'length',
    });
  });

  it('refuses an empty and a too long prompt', async () => {
    await expect(collect([])).rejects.toMatchObject({ code: 'EMPTY_PROMPT' });
    await expect(collect(Array.from({ length: 512 }, () => 1))).rejects.toMatchObject({
      code: 'PROMPT_TOO_LONG',
      details: { tokens: 512, maxPositions: 512 },
    });
  });

  it('samples the same tokens for the same seed, and others for another', async () => {
    const sample = async (seed: number): Promise<number[]> =>
      (await collect([1], { temperature: 1, random: new Random(seed) })).ids;
    const first = await sample(1);
    expect(await sample(1)).toEqual(first);
    expect(await sample(2)).not.toEqual(first);
  });

  it('frees its cache at the end, and when the caller stops early', async () => {
    const before = tf.memory().numTensors;
    await collect([1]);
    const tokens = generateTokens(model, [1], { maxNew: 20, temperature: 0, eosIds: [], random: new Random(0) });
    await tokens.next();
    expect(tf.memory().numTensors).toBeGreaterThan(before);
    await tokens.return('length');
    expect(tf.memory().numTensors).toBe(before);
  });
});
