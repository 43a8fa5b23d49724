/** Folders of data files, read as one. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { graftError, TestFolder } from '../../../test-support/fixtures/dataFiles.ts';
import { readDataset, type ReadOptions } from '../read.ts';

const folder = new TestFolder();
afterAll(() => folder.remove());

const ROWS = [
  { prompt: 'A cat ', completion: 'sat.' },
  { prompt: 'A dog ', completion: 'ran.' },
];
const values = async (file: string, options?: ReadOptions) =>
  (await readDataset(file, options)).rows.map((row) => row.values);

describe('folders', () => {
  const fill = (name: string, files: Record<string, string | Uint8Array>): string => {
    const dir = path.join(folder.dir, name);
    for (const [file, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
      fs.writeFileSync(path.join(dir, file), content);
    }
    return dir;
  };

  it("Hugging Face's splits: train, or the one that is chosen", async () => {
    const dir = fill('hub', {
      'README.md': '# About',
      'dataset_infos.json': '{}',
      'data/train-00000-of-00002.jsonl': JSON.stringify(ROWS[0]),
      'data/train-00001-of-00002.jsonl.gz': zlib.gzipSync(`${JSON.stringify(ROWS[1])}\n{oops\n`),
      'data/test-00000-of-00001.jsonl': '{"prompt": "t", "completion": "u"}',
    });
    const train = await readDataset(dir);
    expect(train.rows).toEqual([
      { line: 1, values: ROWS[0] },
      { line: 2, values: ROWS[1] },
    ]);
    expect(train.bad[0]).toMatchObject({
      line: 3,
      reason: expect.stringContaining('train-00001-of-00002.jsonl.gz, line 2: ') as string,
    });
    expect(train.notes[0]).toBe('train; there is also test');
    expect(await values(dir, { part: 'test' })).toEqual([{ prompt: 't', completion: 'u' }]);
    expect((await graftError(() => readDataset(dir, { part: 'dev' }))).message).toContain('--part: test, train');
    const { sha256 } = train;
    fs.appendFileSync(path.join(dir, 'data/train-00000-of-00002.jsonl'), '\n{"prompt": "n", "completion": "m"}\n');
    expect((await readDataset(dir)).sha256).not.toBe(sha256);
  });

  it('the same split in several folders: one is asked for, and its splits are chosen within it', async () => {
    const row = (prompt: string) => JSON.stringify({ prompt, completion: 'x' });
    const hub = fill('configs', {
      'main/train-00000-of-00001.jsonl': row('main train'),
      'main/test-00000-of-00001.jsonl': row('main test'),
      'socratic/train/0000.jsonl': row('socratic train'),
      'socratic/test/0000.jsonl': row('socratic test'),
    });
    const asked = await graftError(() => readDataset(hub));
    expect(asked).toMatchObject({ code: 'DATASET_PART', details: { parts: ['main', 'socratic'] } });
    expect(asked.message).toContain('has the split train in several folders; choose one with --part: main, socratic.');
    expect((await graftError(() => readDataset(hub, { part: 'test' }))).message).toContain('main/test, socratic/test.');
    const main = await readDataset(hub, { part: 'main' });
    expect(main.rows.map(({ values: { prompt } }) => prompt)).toEqual(['main train']);
    expect(main.notes).toEqual(['main/train; there is also main/test']);
    const prompts = async (part: string) => (await values(hub, { part })).map(({ prompt }) => prompt);
    expect(await prompts('socratic/')).toEqual(['socratic train']);
    expect(await prompts('main/test')).toEqual(['main test']);
    expect(await prompts('socratic/test')).toEqual(['socratic test']);
    expect((await graftError(() => readDataset(hub, { part: 'main/dev' }))).message).toContain('main/test, main/train');
  });

  it('one config below another name, and shards in folders that speak of no split', async () => {
    const only = fill('default', {
      'default/train/0.jsonl': '{"text": "a"}',
      'default/train/1.jsonl': '{"text": "b"}',
    });
    expect(await values(only)).toEqual([{ text: 'a' }, { text: 'b' }]);
    const years = await readDataset(
      fill('years', { '2023/x.jsonl': '{"text": "a"}', '2024/x.jsonl': '{"text": "b"}' }),
    );
    expect(years.rows).toHaveLength(2);
    expect(years.notes).toEqual(['the files of 2 folders together: 2023, 2024']);
  });

  it('texts together, several formats apart, and nothing without rows', async () => {
    const texts = fill('texts', { 'a.txt': 'One.', 'b/c.md': 'Two.' });
    expect(await values(texts)).toEqual([{ text: 'One.' }, { text: 'Two.' }]);
    const mixed = fill('mixed', { 'a.csv': 'text\nx\n', 'b.jsonl': '{"text": "y"}' });
    expect((await graftError(() => readDataset(mixed))).message).toContain('--part: a.csv, b.jsonl');
    expect(await values(mixed, { part: 'b.jsonl' })).toEqual([{ text: 'y' }]);
    expect((await graftError(() => readDataset(fill('none', { 'x.png': 'x' })))).code).toBe('DATASET_EMPTY');
  });
});
