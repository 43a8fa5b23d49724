/** Adapters of every configuration that PEFT writes: beside their base and merged, with the logits that PEFT gives. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peftTable, writeTableAdapter, writeTableBase } from '../../../test-support/fixtures/peftTable.ts';
import { writeAdapterFile } from '../../adapters/files.ts';
import { mergedFiles } from '../../app/exports/mergedFiles.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { loadAdapter } from '../../methods/adapterFolder.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { useBackend } from '../backend.ts';
import { allLogits, largestDifference, withModel } from './logits.ts';
import { mergeAndVerify } from './merge.ts';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-peft-table-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));
const ENGINE = 'wasm';
const { ids, bases, cases, types } = peftTable();
const baseDir = (name: string): string => path.join(root, 'bases', name);

/** Of the last two positions. */
async function logitsOf(modelDir: string, adapterDir?: string): Promise<Float32Array> {
  const base = openBaseModel(modelDir);
  try {
    const load = () => (adapterDir === undefined ? null : loadAdapter(adapterDir, base));
    const logits = await withModel(base, load, (model) => allLogits(model, Int32Array.from(ids)));
    return logits.slice((ids.length - 2) * base.spec.vocab);
  } finally {
    base.close();
  }
}

/** What PEFT applies and Graft does not. */
const REFUSED: Record<string, string> = {
  'a bias on lora_B of the head': 'a bias on lora_B of lm_head',
};

describe('as PEFT', () => {
  beforeAll(async () => {
    await useBackend(ENGINE);
    for (const [name, base] of Object.entries(bases)) await writeTableBase(baseDir(name), base);
  });

  it.each(cases)('$name', async (one) => {
    const adapterDir = await writeTableAdapter(path.join(root, 'adapters', one.name.replaceAll('/', '')), one);
    const refusal = REFUSED[one.name];
    if (refusal !== undefined) {
      await expect(logitsOf(baseDir(one.base), adapterDir)).rejects.toThrowError(refusal);
      return;
    }
    const want = Float32Array.from(one.logits.flat());
    expect(largestDifference(await logitsOf(baseDir(one.base), adapterDir), want)).toBeLessThan(1e-4);
    const outDir = path.join(root, 'merged', one.name);
    const merging = mergeAndVerify(
      { engine: ENGINE, modelDir: baseDir(one.base), adapterDir, outDir },
      () => undefined,
    );
    if (typeof one.merge === 'string') {
      await expect(merging).rejects.toMatchObject({ code: 'NOT_MERGEABLE' });
      return;
    }
    const { certificate } = await merging;
    const weights = mergedFiles(baseDir(one.base), [adapterDir], undefined).find(({ name }) =>
      name.startsWith('model'),
    )!;
    const { size } = fs.statSync(path.join(outDir, weights.name));
    expect(Math.abs(weights.sizeBytes - size)).toBeLessThan(300);
    expect(certificate).toMatchObject({ passed: true, reading: { problems: [] } });
    expect(largestDifference(await logitsOf(outDir), want)).toBeLessThan(1e-4);
  });
});

/** Those of other methods, which have their own tests, and LoRA. */
const KNOWN = ['LORA', 'LOHA', 'LOKR', 'IA3', 'MISS', 'PREFIX_TUNING'];

describe('what PEFT has beside', () => {
  it.each(types.filter((type) => !KNOWN.includes(type)))('%s is refused by its name', async (type) => {
    const dir = path.join(root, 'types', type);
    await writeAdapterFile(dir, { config: { peft_type: type }, tensors: new Map() });
    expect(() => readAdapter(dir)).toThrowError(
      expect.objectContaining({
        code: 'PEFT_UNSUPPORTED',
        message: expect.stringContaining(`peft_type "${type}"`) as string,
      }),
    );
  });
});
