import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBaseModel } from '../basemodel/baseModel.ts';
import { readPeftAdapter } from '../methods/lora/peft.ts';
import { readTensorBytes } from '../safetensors/read.ts';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { mergeAdapter } from './merge.ts';
import { unmergeAdapter } from './unmerge.ts';

/** Distance from |x| to the next larger float32. */
function ulp(x: number): number {
  return 2 ** (Math.floor(Math.log2(Math.max(Math.abs(x), 2 ** -126))) - 23);
}

describe('unmergeAdapter', () => {
  it.skipIf(!hasShared('golden')).each(['llama', 'gpt2'])(
    '%s: f32 weights come back to half an ulp of the merged plus half an ulp of the original ' +
      `weight${skipNote('golden')}`,
    async (model) => {
      const dir = temporaryFolder();
      const base = openBaseModel(sharedPath(`golden/${model}/base`));
      const adapter = readPeftAdapter(sharedPath(`golden/${model}/lora_all/final`));
      await mergeAdapter({ base, adapter, outDir: path.join(dir, 'merged') });
      const merged = openBaseModel(path.join(dir, 'merged'));
      const { maxDifference } = await unmergeAdapter({
        merged,
        adapter,
        outDir: path.join(dir, 'back'),
        original: base,
      });
      const back = openBaseModel(path.join(dir, 'back'));
      let changed = 0;
      let worst = 0;
      for (const [name, info] of base.tensors) {
        if (!adapter.modules.has(name.replace(/\.weight$/, ''))) {
          expect(readTensorBytes(back.tensors.get(name)!)).toEqual(readTensorBytes(info));
          continue;
        }
        const [w, m, b] = [base, merged, back].map((model) => model.readF32(name)) as [
          Float32Array,
          Float32Array,
          Float32Array,
        ];
        for (let i = 0; i < w.length; i++) {
          if (m[i] !== w[i]) changed++;
          const difference = Math.abs(b[i]! - w[i]!);
          worst = Math.max(worst, difference);
          const bound = ulp(m[i]!) / 2 + Math.max(ulp(w[i]!), ulp(b[i]!)) / 2;
          if (difference > bound) expect(difference, `${name}[${i}]`).toBeLessThanOrEqual(bound);
        }
      }
      expect(changed).toBeGreaterThan(10_000);
      expect(maxDifference).toBe(worst);
      expect(worst).toBeLessThan(1e-6);
      for (const model of [base, merged, back]) model.close();
    },
  );

  it.skipIf(!hasShared('golden'))(
    `reports the largest difference, null without the original, and refuses another original${skipNote('golden')}`,
    async () => {
      const dir = temporaryFolder();
      const base = openBaseModel(sharedPath('golden/llama/base'));
      const other = openBaseModel(sharedPath('golden/llama_rope3/base'));
      const adapter = readPeftAdapter(sharedPath('golden/llama/lora_qv/final'));
      const fromBase = { merged: base, adapter };
      expect((await unmergeAdapter({ ...fromBase, outDir: path.join(dir, 'a') })).maxDifference).toBeNull();
      // The base was never merged, so that taking the adapter out moves it by the whole update.
      expect(
        (await unmergeAdapter({ ...fromBase, outDir: path.join(dir, 'b'), original: base })).maxDifference,
      ).toBeGreaterThan(0.01);
      const wrong = readPeftAdapter(sharedPath('golden/llama_rope3/lora_qv/final'));
      await expect(
        unmergeAdapter({ merged: base, adapter: wrong, outDir: path.join(dir, 'c'), original: other }),
      ).rejects.toMatchObject({ code: 'UNMERGE_OTHER_BASE' });
      expect(fs.readdirSync(dir).sort()).toEqual(['a', 'b']);
      base.close();
      other.close();
    },
  );
});
