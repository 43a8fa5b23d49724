import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DatasetFiles } from './datasetFiles.ts';
import { duplicateGroups, repeatedRows, splitReport } from './duplicates.ts';
import { rangesOf, rowsIn, writeEdited } from './editRows.ts';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { writeTinyTokenizer } from '../../test-support/fixtures/tinyTokenizer.ts';
import { prepareDataset } from './dataset.ts';
import { readDataset } from './read.ts';
import { rowThreads } from './rowThreads.ts';
import { splitExamples } from './split.ts';
import { surveyRows } from './survey.ts';
import { graftError, TestFolder } from '../../test-support/fixtures/dataFiles.ts';
import { loadTokenizer } from './tokenizer.ts';

const folder = new TestFolder();
const scratch = path.join(folder.dir, 'scratch');
afterAll(() => folder.remove());

const buildIndex = (file: string, dir: string) => rowThreads.read(file, dir);

const row = (i: number) => ({ prompt: `question ${i} ü`, completion: ` answer ${'x'.repeat(i % 70)}` });
const jsonl = (name: string, rows: unknown[]) =>
  folder.write(name, rows.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'));

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of rows) found.push(one);
  return found;
}

describe('the index of a file', () => {
  it.each([
    ['JSONL', jsonl('a.jsonl', [row(0), '', '{oops', row(1), row(2)])],
    [
      'a JSON list',
      folder.write('a.json', `[\n${JSON.stringify(row(0))},\n{"prompt": oops},\n${JSON.stringify(row(1))}\n]`),
    ],
    ['CSV with a cell of two lines', folder.write('a.csv', 'prompt,completion\n"one\ntwo",x\nfew\nthree,"y ""z"""\n')],
  ])('of %s gives the rows that reading the file gives', async (_name, file) => {
    const read = await readDataset(file);
    const index = await buildIndex(file, scratch);
    expect(index.window(0, 100).map(({ line, values }) => ({ line, values }))).toEqual(read.rows);
    expect(index).toMatchObject({
      count: read.rows.length,
      bad: read.bad,
      columns: read.columns,
      sha256: read.sha256,
      format: read.format,
      sizeBytes: read.sizeBytes,
    });
    expect(read.bad).toHaveLength(1);
    index.close();
  });

  it('fetches any window of many rows, filters them, and leaves no file behind', async () => {
    const index = await buildIndex(
      jsonl(
        'many.jsonl',
        Array.from({ length: 20_000 }, (_, i) => row(i)),
      ),
      scratch,
    );
    expect(index.count).toBe(20_000);
    expect(index.window(19_998, 10).map(({ index: number, line, values }) => ({ number, line, values }))).toEqual([
      { number: 19_998, line: 19_999, values: row(19_998) },
      { number: 19_999, line: 20_000, values: row(19_999) },
    ]);
    expect(await index.matches('QUESTION 777')).toEqual([777, ...Array.from({ length: 10 }, (_, i) => 7770 + i)]);
    expect((await graftError(() => index.row(20_000))).message).toContain('has no row 20001');
    expect(fs.readdirSync(scratch)).toEqual([]);
    index.close();
  });

  it('lets other work have its turn while it reads', async () => {
    const file = jsonl(
      'long.jsonl',
      Array.from({ length: 60_000 }, (_, i) => row(i)),
    );
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await (await buildIndex(file, scratch)).close();
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  it('closed while somebody reads, it stays readable until they have finished', async () => {
    const index = await buildIndex(
      jsonl(
        'held.jsonl',
        Array.from({ length: 2000 }, (_, i) => row(i)),
      ),
      scratch,
    );
    const rows = index.rows();
    await rows.next();
    index.close();
    expect(await all(rows)).toHaveLength(1999);
    expect(() => index.window(0, 1)).toThrow();
  });
});

describe('what rows are for training', () => {
  const file = jsonl('survey.jsonl', [
    { prompt: 'Add', completion: ' 1' },
    { prompt: 'Add ', completion: '1' },
    { prompt: 'a', completion: 3 },
    '{oops',
    { prompt: 'add', completion: ' 1 ' },
    { prompt: 'Add', completion: ' 2' },
    { prompt: 'Add', completion: ' 1' },
  ]);

  it('lists bad rows by line, and rows with the same content but for space around it', async () => {
    const index = await buildIndex(file, scratch);
    const survey = await surveyRows(index);
    expect(survey.bad.map(({ line, index }) => [line, index])).toEqual([
      [3, 2],
      [4, null],
    ]);
    expect(survey.good).toMatchObject({ count: 5, repeated: 2 });
    expect([...survey.good.index]).toEqual([0, 1, 3, 4, 5]);
    expect(await duplicateGroups(survey, { offset: 0, count: 10 })).toEqual({ groups: 1, shown: [[0, 1, 5]] });
    expect([...(await repeatedRows(survey, index.count))]).toEqual([0, 1, 0, 0, 0, 1]);
    // 'add' differs in case only: not the same, but alike.
    expect([...survey.good.alike]).toEqual([0, 0, 0, 3, 0]);
    expect([...survey.good.group]).toEqual([0, 1, 2, 0, 0]);
    expect([...survey.good.characters]).toEqual([5, 5, 6, 5, 5]);
  });

  it('shows groups of repeated rows window by window, in the order of their first rows', async () => {
    const said = ['a', 'b', 'c', 'b', 'd', 'a', 'd', 'b'];
    const survey = await surveyRows(
      await buildIndex(
        jsonl(
          'groups.jsonl',
          said.map((text) => ({ text })),
        ),
        scratch,
      ),
    );
    expect(await duplicateGroups(survey, { offset: 0, count: 2 })).toEqual({
      groups: 3,
      shown: [
        [0, 5],
        [1, 3, 7],
      ],
    });
    expect(await duplicateGroups(survey, { offset: 2, count: 2 })).toEqual({ groups: 3, shown: [[4, 6]] });
    expect(await duplicateGroups(survey, { offset: 3, count: 2 })).toEqual({ groups: 3, shown: [] });
    expect(survey.good.repeated).toBe(4);
  });

  it('finds rows that a split puts on both sides', async () => {
    const survey = await surveyRows(await buildIndex(file, scratch));
    const { train, val, overlap, pairs } = await splitReport(survey, 0.4, 0);
    expect(train + val).toBe(5);
    expect(val).toBe(2);
    expect(overlap).toBeGreaterThan(0);
    expect(pairs).toHaveLength(overlap);
    const alike = (number: number) => survey.good.alike[survey.good.index.indexOf(number)];
    for (const pair of pairs) expect(alike(pair.val)).toBe(alike(pair.train));
    expect(await splitReport(survey, 0, 0)).toEqual({ train: 5, val: 0, overlap: 0, pairs: [], sharedPrompts: 0 });
  });

  it.each([
    ['many prompts', 700, 0.1],
    ['few prompts, each on one side', 20, 0.2],
    ['too few prompts, on both sides', 2, 0.05],
  ])('a run splits the rows as it was told (%s)', async (_name, prompts, share) => {
    const many = jsonl(
      `split-${prompts}.jsonl`,
      Array.from({ length: 700 }, (_, i) => ({ prompt: `ab ${(i * i) % prompts}`, completion: ` c ${i % 5}` })),
    );
    const survey = await surveyRows(await buildIndex(many, scratch));
    const dir = temporaryFolder();
    writeTinyTokenizer(dir);
    const { examples } = await prepareDataset({ file: many, tokenizer: loadTokenizer(dir), maxLength: 64 });
    const run = splitExamples(examples, share, 7);
    // Lines are numbered from 1, rows from 0.
    const content = fs.readFileSync(many, 'utf8').split('\n');
    const saidBy = (rows: { line: number }[]) => new Set(rows.map(({ line }) => content[line - 1]));
    const promptsOf = (rows: { group: number }[]) => new Set(rows.map(({ group }) => group));
    const told = await splitReport(survey, share, 7);
    expect(told).toMatchObject({
      train: run.train.length,
      val: run.val.length,
      overlap: run.val.filter(({ line }) => saidBy(run.train).has(content[line - 1])).length,
      sharedPrompts: [...promptsOf(run.val)].filter((prompt) => promptsOf(run.train).has(prompt)).length,
    });
    const inVal = new Set(run.val.map(({ line }) => line - 1));
    for (const { val, train } of told.pairs)
      expect([inVal.has(val), inVal.has(train), content[val] === content[train]]).toEqual([true, false, true]);
  });
});

describe('edited rows', () => {
  it('become a new file; the old one stays as it was', async () => {
    const file = jsonl(
      'edit.jsonl',
      Array.from({ length: 6 }, (_, i) => row(i)),
    );
    const before = fs.readFileSync(file);
    const target = path.join(folder.dir, 'versions', 'v2.jsonl');
    const index = await buildIndex(file, scratch);
    const written = await writeEdited(
      index,
      {
        changed: [{ index: 4, values: { prompt: 'new', completion: ' text' } }],
        removed: rowsIn(
          [
            [3, 4],
            [0, 2],
          ],
          index.count,
        ),
        added: [{ prompt: 'last', completion: ' one' }],
      },
      target,
    );
    const read = await readDataset(target);
    expect(read.rows.map(({ values }) => values)).toEqual([
      row(2),
      { prompt: 'new', completion: ' text' },
      row(5),
      { prompt: 'last', completion: ' one' },
    ]);
    expect(written).toEqual({ rows: 4, sha256: read.sha256, sizeBytes: read.sizeBytes });
    expect(fs.readFileSync(file)).toEqual(before);
    expect(fs.readdirSync(path.dirname(target))).toEqual(['v2.jsonl']);
  });

  it('that cannot be written leave nothing', async () => {
    const index = await buildIndex(jsonl('unwritten.jsonl', [row(0)]), scratch);
    const dir = path.join(folder.dir, 'broken');
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    await expect(
      writeEdited(index, { changed: [], removed: new Uint8Array(1), added: [circular] }, path.join(dir, 'v2.jsonl')),
    ).rejects.toThrow();
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('numbers become ranges', () =>
    expect(rangesOf([0, 1, 2, 5, 7, 8])).toEqual([
      [0, 3],
      [5, 6],
      [7, 9],
    ]));
});

describe('open files', () => {
  it('are read once, and again when they have changed', async () => {
    const files = new DatasetFiles(scratch);
    const file = jsonl('changing.jsonl', [row(0)]);
    const first = await files.index({ file });
    expect(await files.index({ file })).toBe(first);
    jsonl('changing.jsonl', [row(0), row(1)]);
    expect((await files.index({ file })).count).toBe(2);
    files.close();
  });

  it('that cannot be read are tried again', async () => {
    const files = new DatasetFiles(scratch);
    const file = path.join(folder.dir, 'later.jsonl');
    expect((await graftError(() => files.index({ file }))).code).toBe('DATASET_NOT_FOUND');
    jsonl('later.jsonl', [row(0)]);
    expect((await files.index({ file })).count).toBe(1);
    files.close();
  });
});
