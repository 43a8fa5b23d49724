/** A GGUF file in the catalogue: added, gone, moved, changed; and its place in plans and exports. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { TINY_LLAMA, writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { exportGguf } from '../../gguf/exportGguf.ts';
import { ggufTokenizer } from '../../gguf/tokenizer/toGguf.ts';

let bench: TestBench;
beforeEach(() => (bench = openBench()));
afterEach(() => bench.close());

/** A tiny model as GGUF. */
async function ggufFile(name = 'tiny-Q8_0.gguf', seed = 0): Promise<string> {
  const folder = temporaryFolder();
  const config = { ...TINY_LLAMA, hidden_size: 32, intermediate_size: 64 };
  const base = openBaseModel(await writeTinyModel(path.join(folder, 'hf'), { config, seed }));
  const { metadata } = ggufTokenizer(base.dir, base.config);
  const outFile = path.join(folder, name);
  await exportGguf({ base, quantise: 'Q8_0', tokenizerMetadata: metadata, name, outFile });
  base.close();
  return outFile;
}

it('is added by its path, and read in place', async () => {
  const file = await ggufFile();
  const model = await bench.api.models.add({ dir: file });
  expect(model).toMatchObject({ name: 'tiny-Q8_0', family: 'llama', tokenizer: true });
  expect(model.gguf).toEqual({ file, quantisation: 'Q8_0' });
  expect(model.dtype).toBe('Q8_0');
  expect(model.sizeBytes).toBe(fs.statSync(file).size);
  expect(path.dirname(model.dir)).toBe(path.join(bench.home, 'models'));
  const bytes = fs.readdirSync(model.dir).reduce((sum, name) => sum + fs.statSync(path.join(model.dir, name)).size, 0);
  expect(fs.readdirSync(model.dir)).not.toContain('model.safetensors');
  expect(bytes).toBeLessThan(100_000);
  // Once more is the same model, brought up to date.
  expect((await bench.api.models.add({ dir: file, name: 'mine' })).id).toBe(model.id);
  expect(await bench.api.models.list()).toEqual([expect.objectContaining({ name: 'mine', state: 'ok' })]);
  const { cleanUps } = await bench.services.storage.report();
  expect(cleanUps.find(({ kind }) => kind === 'leftovers')?.items).toBe(0);
});

it('that is gone can be relocated, to the same weights only', async () => {
  const file = await ggufFile();
  const { id } = await bench.api.models.add({ dir: file });
  const moved = path.join(temporaryFolder(), 'moved.gguf');
  fs.renameSync(file, moved);
  expect((await bench.api.models.list())[0]).toMatchObject({
    state: 'missing',
    reason: expect.stringContaining(file) as string,
  });
  const other = await ggufFile('other.gguf', 1);
  await expect(bench.api.models.relocate({ id, dir: other })).rejects.toMatchObject({
    message: expect.stringContaining('other weights') as string,
  });
  const folders = (): string[] => fs.readdirSync(path.join(bench.home, 'models'));
  expect(folders()).toHaveLength(1);
  expect(await bench.api.models.relocate({ id, dir: moved })).toMatchObject({ id, gguf: { file: moved } });
  expect((await bench.api.models.list())[0]).toMatchObject({ state: 'ok' });
});

it('that has become another is said to be', async () => {
  const file = await ggufFile();
  const { dir } = await bench.api.models.add({ dir: file });
  fs.copyFileSync(await ggufFile('tiny-Q8_0.gguf', 1), file);
  expect((await bench.api.models.list())[0]).toMatchObject({ state: 'changed' });
  // Another header: config and tokenizer would be those of the file that was here.
  fs.copyFileSync(await ggufFile('other.gguf'), file);
  expect(() => openBaseModel(dir)).toThrow(expect.objectContaining({ code: 'GGUF_CHANGED' }));
  expect((await bench.api.models.list())[0]).toMatchObject({
    state: 'broken',
    reason: `${file} is not the file any more that was added; put it back, or add the model again.`,
  });
});

it('is named where it is taken for a folder', async () => {
  const file = await ggufFile();
  const dir = path.dirname(file);
  await expect(bench.api.models.inspect({ dir: file })).rejects.toMatchObject({
    message: `${file} is a GGUF file; add it to the models first (models add), and choose it from them.`,
  });
  await expect(bench.api.models.add({ dir })).rejects.toMatchObject({
    message: `${dir} has no config.json; add its GGUF file by the path of the file, ${file}.`,
  });
});

it('that is no model leaves nothing behind', async () => {
  const file = path.join(temporaryFolder(), 'bad.gguf');
  fs.writeFileSync(file, 'GGUF and then nothing that it should be, for a while');
  await expect(bench.api.models.add({ dir: file })).rejects.toMatchObject({
    message: expect.stringContaining(file) as string,
  });
  expect(fs.readdirSync(path.join(bench.home, 'models'))).toEqual([]);
});
