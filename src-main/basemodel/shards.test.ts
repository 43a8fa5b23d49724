/** Shards: sizes as transformers reads them, files as it splits them, read back by a reader of its own. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder, tinyEntries, values, writeTiny } from '../../test-support/fixtures/folders.ts';
import { mergedFiles } from '../app/exports/mergedFiles.ts';
import { bytesOf, tensorsOfFolder } from '../recheck/plainTensors.ts';
import { openBaseModel } from './baseModel.ts';
import { rewriteBaseModel, type RewriteOptions } from './rewrite.ts';
import { parseShardSize } from './shards.ts';

it('reads sizes: powers of ten without an i, of two with one', () => {
  expect(['5GB', '5GiB', '200MB', '1.5 KiB', '1TB'].map(parseShardSize)).toEqual([5e9, 5 * 2 ** 30, 2e8, 1536, 1e12]);
  for (const bad of ['', '5', 'GB', '5gb', '5Gb', '-1GB', '0KB', '1e3KB'])
    expect(() => parseShardSize(bad), bad).toThrow(/write 5GB/);
});

/** What huggingface_hub's split_torch_state_dict_into_shards makes of sizes, written down again. */
function expectedSplit(sizes: number[], max: number): number[][] {
  const shards: number[][] = [];
  let current: number[] = [];
  let bytes = 0;
  for (const size of sizes) {
    if (current.length > 0 && bytes + size > max) {
      shards.push(current);
      current = [];
      bytes = 0;
    }
    current.push(size);
    bytes += size;
  }
  return [...shards, current];
}

async function sharded(options: Partial<RewriteOptions>): Promise<{ base: string; outDir: string }> {
  const root = temporaryFolder();
  const base = await writeTiny(path.join(root, 'base'));
  const outDir = path.join(root, 'out');
  const opened = openBaseModel(base);
  await rewriteBaseModel({ base: opened, outDir, edit: () => undefined, ...options });
  opened.close();
  return { base, outDir };
}

it('splits a model of one file, which a plain reader reads to equal tensors', async () => {
  const progress: { done: number; total: number }[] = [];
  const { base, outDir } = await sharded({ maxShardBytes: 1000, onProgress: (one) => progress.push(one) });
  const index = JSON.parse(fs.readFileSync(path.join(outDir, 'model.safetensors.index.json'), 'utf8')) as {
    metadata: { total_size: number };
    weight_map: Record<string, string>;
  };
  const [before, after] = [tensorsOfFolder(base), tensorsOfFolder(outDir)];
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  expect(Object.keys(index.weight_map)).toEqual([...before.keys()].sort());
  for (const [name, tensor] of before) expect(bytesOf(after.get(name)!).equals(bytesOf(tensor)), name).toBe(true);
  const sizes = [...before.values()].map(({ byteLength }) => byteLength);
  expect(index.metadata.total_size).toBe(sizes.reduce((sum, size) => sum + size, 0));
  const want = expectedSplit(sizes, 1000);
  const files = fs.readdirSync(outDir).filter((name) => name.endsWith('.safetensors'));
  expect(files.sort()).toEqual(want.map((_, i) => `model-0000${i + 1}-of-0000${want.length}.safetensors`));
  const held = files.map((name) => [...after.values()].filter(({ file }) => path.basename(file) === name));
  expect(held.map((all) => all.reduce((sum, { byteLength }) => sum + byteLength, 0))).toEqual(
    want.map((all) => all.reduce((sum, size) => sum + size, 0)),
  );
  expect(progress.at(-1)!.done).toBe(progress.at(-1)!.total);
  const planned = mergedFiles(base, [], undefined, 1000).map(({ name }) => name);
  expect(planned.filter((name) => name !== 'parity.json').sort()).toEqual(fs.readdirSync(outDir).sort());
});

it('changes and casts on the way, and one shard is a plain model.safetensors', async () => {
  const edit: RewriteOptions['edit'] = ({ name }) =>
    name === 'model.norm.weight' ? (rows) => rows.set(values(8, 99)) : undefined;
  const { outDir } = await sharded({ maxShardBytes: 1e6, dtype: 'bf16', edit });
  expect(fs.readdirSync(outDir).sort()).toEqual(['config.json', 'model.safetensors']);
  const opened = openBaseModel(outDir);
  expect(opened.tensors.get('model.norm.weight')!.dtype).toBe('BF16');
  expect(Math.abs(opened.readF32('model.norm.weight')[1]! - values(8, 99)[1]!)).toBeLessThan(0.01);
  opened.close();
});

it('a tensor larger than the limit gets a file of its own', async () => {
  const { outDir } = await sharded({ maxShardBytes: 1 });
  expect(fs.readdirSync(outDir).filter((name) => name.endsWith('.safetensors'))).toHaveLength(tinyEntries().length);
});
