import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { readDataset } from '../read.ts';

const rows = [{ text: 'a' }, { text: 'b' }, { text: 'c' }];

it.each([
  ['a list on one line', JSON.stringify(rows), [1, 2, 3], true],
  ['all rows on the second line', `[\n${rows.map((row) => JSON.stringify(row)).join(',')}\n]`, [1, 2, 3], true],
  ['a row a line', `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]`, [2, 3, 4], false],
  ['pretty-printed', JSON.stringify(rows, null, 2), [2, 5, 8], false],
  ['two of three on a line', '[\n{"text":"a"},\n{"text":"b"}, {"text":"c"}]', [2, 3, 4], false],
  ['a single row', '\n[{"text":"a"}]', [2], false],
  ['a bad row among them', '[{"text":"a"}, oops, {"text":"c"}]', [1, 3], true],
])('rows of JSON are told apart: %s', async (_name, text, want, shared) => {
  const file = path.join(temporaryFolder(), 'rows.json');
  fs.writeFileSync(file, text);
  const read = await readDataset(file);
  expect(read.rows.map(({ line }) => line)).toEqual(want);
  expect(read.sharedLines).toBe(shared);
  expect(read.bad.map(({ line }) => line)).toEqual(text.includes('oops') ? [2] : []);
});
