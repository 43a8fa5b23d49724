/** Merging of every method that can be merged, proven by parity; the others refused; several tasks in one model. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { unmergeAdapter } from '../../merging/unmerge.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { loadModel } from '../../../test-support/goldens/goldens.ts';
import {
  attachTrained,
  logitsOf,
  METHOD_CASES,
  settingsOf,
  writeFamily,
  type TinyFamily,
} from '../../../test-support/cases/methodCases.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { useBackend } from '../backend.ts';
import { mergeAndVerify } from './merge.ts';
import type { MergeResult, TaskDir } from '../../../src-shared/exports.ts';

beforeAll(async () => void (await useBackend('wasm')));

/** A trained adapter on disk, and the logits of base + adapter. */
async function saved(
  modelDir: string,
  family: TinyFamily,
  name: string,
): Promise<{ adapterDir: string; want: Float32Array }> {
  const { base, model, method, outDir } = await attachTrained(modelDir, settingsOf(family, name));
  const want = await logitsOf(model);
  await method.save();
  model.dispose();
  base.close();
  return { adapterDir: outDir, want };
}

function mergeInto(
  outDir: string,
  modelDir: string,
  adapterDir: string,
  more: { tasks?: TaskDir[]; dtype?: 'f32' | 'bf16' } = {},
): Promise<MergeResult> {
  return mergeAndVerify({ engine: 'wasm', modelDir, adapterDir, outDir, ...more }, () => undefined);
}

async function logitsFrom(dir: string): Promise<Float32Array> {
  const model = loadModel(dir);
  const logits = await logitsOf(model);
  model.dispose();
  return logits;
}

/** Qwen2 differs from Llama in its biases only. */
const MERGED = METHOD_CASES.filter(
  ([family, name]) =>
    !/^(houlsby|pfeiffer|lin|prefix)/.test(name) && (family !== 'qwen2' || /bias|bitfit|ia3/.test(name)),
);

it.each(MERGED)('%s, %s: merged', async (family, name) => {
  const modelDir = await writeFamily(family);
  const { adapterDir, want } = await saved(modelDir, family, name);
  const outDir = path.join(temporaryFolder(), 'merged');
  const { certificate } = await mergeInto(outDir, modelDir, adapterDir);
  expect(certificate).toMatchObject({ passed: true, dtype: 'f32', adapterSha256: readAdapter(adapterDir).sha256 });
  expectClose(await logitsFrom(outDir), want, { rtol: 1e-4, atol: 1e-4 });
});

it.each([
  ['llama', 'houlsby', 'a nonlinearity stands between'],
  ['gpt2', 'prefix key-value', 'they stand in the input'],
  ['gpt2', 'prefix-layer', 'they stand in the input'],
] as const)('%s, %s: refused', async (family, name, reason) => {
  const modelDir = await writeFamily(family);
  const { adapterDir } = await saved(modelDir, family, name);
  const parent = temporaryFolder();
  await expect(mergeInto(path.join(parent, 'merged'), modelDir, adapterDir)).rejects.toMatchObject({
    code: 'NOT_MERGEABLE',
    message: expect.stringContaining(reason) as string,
  });
  expect(fs.readdirSync(parent)).toEqual([]);
});

it('a whole model is no adapter', async () => {
  const modelDir = await writeFamily('llama');
  const { adapterDir } = await saved(modelDir, 'llama', 'lora');
  fs.rmSync(adapterDir, { recursive: true });
  const { base, method, outDir } = await attachTrained(modelDir, { type: 'full' });
  await method.save();
  base.close();
  await expect(mergeInto(path.join(temporaryFolder(), 'merged'), modelDir, outDir)).rejects.toMatchObject({
    code: 'NOT_AN_ADAPTER',
  });
});

describe('tasks', () => {
  it.each(['gpt2', 'llama'] as const)('%s: base + s·one + t·two, and back to nothing', async (family) => {
    const modelDir = await writeFamily(family);
    const [one, two] = [await saved(modelDir, family, 'lora'), await saved(modelDir, family, 'loha')];
    const outDir = path.join(temporaryFolder(), 'merged');
    const tasks = [
      { adapterDir: one.adapterDir, scale: -0.5 },
      { adapterDir: two.adapterDir, scale: 0.25 },
    ];
    const { certificate } = await mergeInto(outDir, modelDir, one.adapterDir, { tasks });
    expect(certificate).toMatchObject({
      passed: true,
      tasks: [
        { adapterSha256: readAdapter(one.adapterDir).sha256, scale: -0.5 },
        { adapterSha256: readAdapter(two.adapterDir).sha256, scale: 0.25 },
      ],
    });
    const cancelled = path.join(temporaryFolder(), 'cancelled');
    await mergeInto(cancelled, modelDir, one.adapterDir, {
      tasks: [
        { adapterDir: one.adapterDir, scale: 1 },
        { adapterDir: one.adapterDir, scale: -1 },
      ],
    });
    expect(await logitsFrom(cancelled)).toEqual(await logitsFrom(modelDir));
  });

  it('one adapter at scale 1 is plain merging, and DoRA takes no part in sums', async () => {
    const modelDir = await writeFamily('llama');
    const [plain, dora] = [await saved(modelDir, 'llama', 'lora'), await saved(modelDir, 'llama', 'dora')];
    const outDir = path.join(temporaryFolder(), 'merged');
    await mergeInto(outDir, modelDir, plain.adapterDir, { tasks: [{ adapterDir: plain.adapterDir, scale: 1 }] });
    expectClose(await logitsFrom(outDir), plain.want, { rtol: 1e-4, atol: 1e-4 });
    const tasks = [{ adapterDir: dora.adapterDir, scale: 0.5 }];
    await expect(
      mergeInto(path.join(temporaryFolder(), 'no'), modelDir, dora.adapterDir, { tasks }),
    ).rejects.toMatchObject({ code: 'NOT_ADDITIVE', message: expect.stringContaining('is a DoRA') as string });
  });
});

describe('unmerging', () => {
  it.each([
    ['gpt2', 'loha'],
    ['llama', 'lokr'],
    ['llama', 'rslora'],
    ['gpt2', 'miss'],
  ] as const)('%s, %s gives the base back', async (family, name) => {
    const modelDir = await writeFamily(family);
    const { adapterDir } = await saved(modelDir, family, name);
    const [mergedDir, outDir] = [path.join(temporaryFolder(), 'merged'), path.join(temporaryFolder(), 'back')];
    await mergeInto(mergedDir, modelDir, adapterDir);
    const [merged, original] = [openBaseModel(mergedDir), openBaseModel(modelDir)];
    const { maxDifference } = await unmergeAdapter({ merged, adapter: readAdapter(adapterDir), original, outDir });
    expect(maxDifference).toBeLessThan(1e-6);
    for (const one of [merged, original]) one.close();
  });

  it.each([
    ['llama', 'dora', 'is a DoRA, which rescales the weights'],
    ['gpt2', 'bitfit', 'replaces biases'],
    ['llama', 'ia3', 'scales the weights'],
    ['llama', 'miss, bat', 'multiplies the weights block by block'],
  ] as const)('%s, %s cannot', async (family, name, reason) => {
    const modelDir = await writeFamily(family);
    const { adapterDir } = await saved(modelDir, family, name);
    const merged = openBaseModel(modelDir);
    const outDir = path.join(temporaryFolder(), 'back');
    await expect(unmergeAdapter({ merged, adapter: readAdapter(adapterDir), outDir })).rejects.toMatchObject({
      code: 'NOT_ADDITIVE',
      message: expect.stringContaining(
        `${reason} instead of only adding to them, so it can only be merged, not taken out again; keep the ` +
          'original base model',
      ) as string,
    });
    merged.close();
  });
});

describe.skipIf(!hasShared('golden'))(`DoRA of PEFT${skipNote('golden')}`, () => {
  it.each(['gpt2', 'llama', 'qwen2'])('%s: merged in f32 with a certificate', async (family) => {
    const { certificate } = await mergeInto(
      path.join(temporaryFolder(), 'merged'),
      sharedPath(`golden/${family}/base`),
      sharedPath(`golden/${family}/dora_randB/final`),
      { dtype: 'f32' },
    );
    expect(certificate).toMatchObject({ passed: true, equalGreedyShare: 1 });
  });
});
