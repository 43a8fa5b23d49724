import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DatasetFiles } from './datasetFiles.ts';
import { duplicateGroups, repeatedRows, splitReport } from './duplicates.ts';
import { rangesOf, writeEdited } from './editRows.ts';
import { readDataset } from './read.ts';
import { buildIndex } from './rowIndex.ts';
import { surveyRows } from './survey.ts';
import { graftError, TestFolder } from './testFiles.ts';

const folder = new TestFolder();
const scratch = path.join(folder.dir, 'scratch');
afterAll(() => folder.remove());

const row = (i: number) => ({ prompt: `question ${i} ü`, completion: ` answer ${'x'.repeat(i % 70)}` });
const jsonl = (name: string, rows: unknown[]) => folder.write(name, rows.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'));

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of rows) found.push(one);
  return found;
}

describe('the index of a file', () => {
  it.each([
    ['JSONL', jsonl('a.jsonl', [row(0), '', '{oops', row(1), row(2)])],
    ['a JSON list', folder.write('a.json', `[\n${JSON.stringify(row(0))},\n{"prompt": oops},\n${JSON.stringify(row(1))}\n]`)],
    ['CSV with a cell of two lines', folder.write('a.csv', 'prompt,completion\n"one\ntwo",x\nfew\nthree,"y ""z"""\n')],
  ])('of %s gives the rows that reading the file gives', async (_name, file) => {
    const read = await readDataset(file);
    const index = await buildIndex(file, scratch);
    expect(index.window(0, 100).map(({ line, values }) => ({ line, values }))).toEqual(read.rows);
    expect(index).toMatchObject({ count: read.rows.length, bad: read.bad, columns: read.columns, sha256: read.sha256, format: read.format, sizeBytes: read.sizeBytes });
    expect(read.bad).toHaveLength(1);
    index.close();
  });

  it('fetches any window of many rows, filters them, and leaves no file behind', async () => {
    const index = await buildIndex(jsonl('many.jsonl', Array.from({ length: 20_000 }, (_, i) => row(i))), scratch);
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
    const file = jsonl('long.jsonl', Array.from({ length: 60_000 }, (_, i) => row(i)));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await (await buildIndex(file, scratch)).close();
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  it('closed while somebody reads, it stays readable until they have finished', async () => {
    const index = await buildIndex(jsonl('held.jsonl', Array.from({ length: 2000 }, (_, i) => row(i))), scratch);
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
    const survey = await surveyRows(await buildIndex(file, scratch));
    expect(survey.bad.map(({ line, index }) => [line, index])).toEqual([[3, 2], [4, null]]);
    expect(survey.good.map(({ index }) => index)).toEqual([0, 1, 3, 4, 5]);
    expect(duplicateGroups(survey)).toEqual([[0, 1, 5]]);
    expect(repeatedRows(survey)).toEqual([1, 5]);
    // 'add' differs in case only: not the same, but alike.
    expect(survey.good.map(({ alike }) => alike)).toEqual([0, 0, 0, 3, 0]);
    expect(survey.good.map(({ group }) => group)).toEqual([0, 1, 2, 0, 0]);
  });

  it('finds rows that a split puts on both sides', async () => {
    const survey = await surveyRows(await buildIndex(file, scratch));
    const { train, val, overlap } = splitReport(survey, 0.4, 0);
    expect(train + val).toBe(5);
    expect(val).toBe(2);
    expect(overlap.length).toBeGreaterThan(0);
    for (const pair of overlap) expect(survey.good.find((good) => good.index === pair.val)!.alike).toBe(survey.good.find((good) => good.index === pair.train)!.alike);
    expect(splitReport(survey, 0, 0)).toEqual({ train: 5, val: 0, overlap: [], sharedPrompts: 0 });
  });
});

describe('edited rows', () => {
  it('become a new file; the old one stays as it was', async () => {
    const file = jsonl('edit.jsonl', Array.from({ length: 6 }, (_, i) => row(i)));
    const before = fs.readFileSync(file);
    const target = path.join(folder.dir, 'versions', 'v2.jsonl');
    const index = await buildIndex(file, scratch);
    const written = await writeEdited(index, { changed: [{ index: 4, values: { prompt: 'new', completion: ' text' } }], removed: [[3, 4], [0, 2]], added: [{ prompt: 'last', completion: ' one' }] }, target);
    const read = await readDataset(target);
    expect(read.rows.map(({ values }) => values)).toEqual([row(2), { prompt: 'new', completion: ' text' }, row(5), { prompt: 'last', completion: ' one' }]);
    expect(written).toEqual({ rows: 4, sha256: read.sha256, sizeBytes: read.sizeBytes });
    expect(fs.readFileSync(file)).toEqual(before);
    expect(fs.readdirSync(path.dirname(target))).toEqual(['v2.jsonl']);
  });

  it('that cannot be written leave nothing', async () => {
    const index = await buildIndex(jsonl('unwritten.jsonl', [row(0)]), scratch);
    const dir = path.join(folder.dir, 'broken');
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    await expect(writeEdited(index, { changed: [], removed: [], added: [circular] }, path.join(dir, 'v2.jsonl'))).rejects.toThrow();
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('numbers become ranges', () => expect(rangesOf([0, 1, 2, 5, 7, 8])).toEqual([[0, 3], [5, 6], [7, 9]]));
});

describe('open files', () => {
  it('are read once, and again when they have changed', async () => {
    const files = new DatasetFiles(scratch);
    const file = jsonl('changing.jsonl', [row(0)]);
    const first = await files.index(file);
    expect(await files.index(file)).toBe(first);
    jsonl('changing.jsonl', [row(0), row(1)]);
    expect((await files.index(file)).count).toBe(2);
    files.close();
  });

  it('that cannot be read are tried again', async () => {
    const files = new DatasetFiles(scratch);
    const file = path.join(folder.dir, 'later.jsonl');
    expect((await graftError(() => files.index(file))).code).toBe('DATASET_NOT_FOUND');
    jsonl('later.jsonl', [row(0)]);
    expect((await files.index(file)).count).toBe(1);
    files.close();
  });
});
