/** What a file holds is told from its content; its name may say something else. */
import zlib from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { TestFolder } from '../../../test-support/fixtures/dataFiles.ts';
import { workbook } from '../../../test-support/fixtures/workbook.ts';
import { readDataset } from '../read.ts';

const folder = new TestFolder();
afterAll(() => folder.remove());

const ROWS = [
  { prompt: 'A cat ', completion: 'sat.' },
  { prompt: 'A dog ', completion: 'ran.' },
];
const JSONL = ROWS.map((row) => `${JSON.stringify(row)}\n`).join('');
const values = async (file: string) => (await readDataset(file)).rows.map((row) => row.values);

describe('names that say something else than the content', () => {
  const table = 'prompt,completion\nA cat ,sat.\nA dog ,ran.\n';
  const sheet = workbook({ Rows: [['prompt', 'completion'], ...ROWS.map((row) => [row.prompt, row.completion])] });
  it.each([
    ['table.jsonl', table, 'csv'],
    ['table.txt', table, 'csv'],
    ['tabs.ndjson', table.replaceAll(',', '\t'), 'csv'],
    ['packed-table.jsonl', zlib.gzipSync(table), 'csv'],
    ['list.csv', JSON.stringify(ROWS), 'json'],
    ['list.jsonl', JSON.stringify(ROWS), 'json'],
    ['pretty-list.txt', JSON.stringify(ROWS, null, 2), 'json'],
    ['wrapped.jsonl', JSON.stringify({ data: ROWS }, null, 2), 'json'],
    ['lines.csv', JSONL, 'jsonl'],
    ['lines.txt', JSONL, 'jsonl'],
    ['sheet.csv', sheet, 'xlsx'],
    ['sheet.jsonl', sheet, 'xlsx'],
  ])('%s', async (name, content, format) => {
    const { rows, ...read } = await readDataset(folder.write(name, content));
    expect(read).toMatchObject({ format, bad: [] });
    expect(rows.map((row) => row.values)).toEqual(ROWS);
  });

  it('brackets alone make no JSON, and a broken first row leaves JSONL what it is', async () => {
    expect(await values(folder.write('brackets.csv', '[id],text\n[1],a\n'))).toEqual([{ '[id]': '[1]', text: 'a' }]);
    expect(await values(folder.write('braces.csv', '{id},text\n{1},a\n'))).toEqual([{ '{id}': '{1}', text: 'a' }]);
    for (const first of ['oops, and more', '{"prompt": ', '[1, 2']) {
      const read = await readDataset(folder.write('broken.jsonl', `${first}\n${JSONL}`));
      expect(read).toMatchObject({ format: 'jsonl', bad: [{ line: 1 }] });
      expect(read.rows.map((row) => row.values)).toEqual(ROWS);
    }
  });
});
