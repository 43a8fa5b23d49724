/** Dataset files read in a thread: the same rows, and no file takes the process with it, or is read for nobody. */
import path from 'node:path';
import { tableFromArrays, tableToIPC } from '@uwdata/flechette';
import { afterAll, expect, it } from 'vitest';
import { graftError, TestFolder } from '../../test-support/fixtures/dataFiles.ts';
import { workbook } from '../../test-support/fixtures/workbook.ts';
import { DatasetFiles } from './datasetFiles.ts';
import { readDataset } from './read.ts';
import { RowThreads, rowThreads } from './rowThreads.ts';

const folder = new TestFolder();
const scratch = path.join(folder.dir, 'scratch');
afterAll(() => folder.remove());

const TEXTS = Array.from({ length: 700 }, (_, i) => `row ${i}`);
const BOOK = folder.write(
  'book.xlsx',
  workbook({ First: [['text'], ...TEXTS.map((text) => [text])], Second: [['a'], ['b']] }),
);
const ARROW = folder.write('rows.arrow', tableToIPC(tableFromArrays({ text: TEXTS }), { format: 'file' })!);
const LINES = folder.write('rows.jsonl', TEXTS.map((text) => JSON.stringify({ text })).join('\n'));

it.each([
  ['workbook', BOOK, {}, TEXTS],
  ['sheet of a workbook', BOOK, { part: 'Second' }, ['b']],
  ['Arrow file', ARROW, {}, TEXTS],
  ['JSONL file', LINES, {}, TEXTS],
])('%s: all rows, as without a thread', async (_name, file, rules, texts) => {
  const index = await rowThreads.read(file, scratch, rules);
  const rows = index.window(0, 1000);
  expect(rows.map(({ values }) => Object.values(values)[0])).toEqual(texts);
  const read = await readDataset(file, rules);
  expect(rows.map(({ line, values }) => ({ line, values }))).toEqual(read.rows);
  const { columns, notes, sha256, format } = read;
  expect(index).toMatchObject({ columns, notes, sha256, format, badCount: 0 });
  index.close();
});

it('passes a refusal on with its code', async () => {
  expect(await graftError(() => rowThreads.read(BOOK, scratch, { part: 'Third' }))).toMatchObject({
    code: 'DATASET_PART',
    details: { parts: ['First', 'Second'] },
  });
});

it('a file that needs more memory than the limit ends its thread, not the process', async () => {
  // Long cells pass the limit at once; short ones would creep up to it, and its thread collect garbage for a minute.
  const rows = Array.from({ length: 20_000 }, (_, i) => ['a', 'b', 'c'].map((name) => name + i + 'x'.repeat(700)));
  const file = folder.write('bomb.xlsx', workbook({ Sheet: rows }));
  const small = new RowThreads({ memoryMb: 16, deadlineMs: 60_000 });
  expect(await graftError(() => small.read(file, scratch))).toMatchObject({
    code: 'DATASET_TOO_LARGE',
    message: expect.stringContaining('16 MiB') as string,
  });
});

it('a file whose rows do not come is given up', async () => {
  const hasty = new RowThreads({ memoryMb: 512, deadlineMs: 0 });
  expect(await graftError(() => hasty.read(LINES, scratch))).toMatchObject({
    code: 'DATASET_TOO_SLOW',
    message: expect.stringContaining(LINES) as string,
  });
});

it('a file is read while somebody waits for it, and anew for who comes later', async () => {
  const files = new DatasetFiles(scratch);
  const [one, other] = [new AbortController(), new AbortController()];
  const left = graftError(() => files.index({ file: LINES }, one.signal));
  const kept = files.index({ file: LINES }, other.signal);
  one.abort();
  expect((await left).code).toBe('CANCELLED');
  expect((await kept).count).toBe(TEXTS.length);
  files.close();

  const alone = new AbortController();
  const nobody = graftError(() => files.index({ file: LINES }, alone.signal));
  alone.abort();
  // The last one has gone: nothing is being read.
  expect((await nobody).code).toBe('CANCELLED');
  expect(files.progress({ file: LINES })).toBeUndefined();
  expect((await files.index({ file: LINES })).count).toBe(TEXTS.length);
  files.close();
});

it('of many bad rows and columns the first are kept, and all are counted', async () => {
  const files = new DatasetFiles(scratch);
  const bad = Array.from({ length: 1200 }, (_, i) => (i % 2 ? '{oops' : JSON.stringify({ text: i })));
  const wide = Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`column ${i}`, i]));
  const good = JSON.stringify({ ...wide, ['x'.repeat(1000)]: 1, text: 'good', label: 'a' });
  const file = folder.write('bad.jsonl', [...bad, good].join('\n'));
  const index = await files.index({ file });
  expect([index.count, index.badCount, index.columns.length]).toEqual([601, 600, 2001]);
  expect(index.columns.slice(-2)).toEqual(['column 1998', 'label']);
  expect(index.notes.join()).toContain('not listed: columns after the first 2000');
  const { good: rows, bad: kept, badCount } = await files.survey({ file });
  expect([rows.count, badCount, kept.length]).toEqual([1, 1200, 1000]);
  expect(kept.map(({ line }) => line)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  files.close();
});
