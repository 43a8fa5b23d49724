import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { readDataset } from './read.ts';
import { graftError, TestFolder } from '../../test-support/fixtures/dataFiles.ts';
import type { ReadResult } from './types.ts';

const folder = new TestFolder();
afterAll(() => folder.remove());

const lines = (result: ReadResult) => result.rows.map((row) => row.line);

describe('JSONL', () => {
  it('reports the broken line 7 and keeps the rest', async () => {
    const rows = Array.from({ length: 9 }, (_, i) => JSON.stringify({ prompt: `p${i}`, completion: 'c' }));
    rows[6] = '{"prompt": "p6", "completion": oops}';
    const result = await readDataset(folder.write('broken.jsonl', rows.join('\n') + '\n'));
    expect(result).toMatchObject({ format: 'jsonl', columns: ['prompt', 'completion'] });
    expect(lines(result)).toEqual([1, 2, 3, 4, 5, 6, 8, 9]);
    expect(result.bad).toHaveLength(1);
    expect(result.bad[0]).toMatchObject({ line: 7, reason: expect.stringMatching(/^not valid JSON: /) as string });
  });

  it('counts blank lines, CRLF and a byte order mark right, and tells columns of errors', async () => {
    const text = '\uFEFF{"text": "a"}\r\n\r\n  \r\n{"text": "b"}\r\n[1]\r\n3\r\n{"text": "c" "d"}\r\n{"text": "e';
    const result = await readDataset(folder.write('crlf.jsonl', text));
    expect(result.rows).toEqual([
      { line: 1, values: { text: 'a' } },
      { line: 4, values: { text: 'b' } },
    ]);
    expect(result.bad.map((row) => row.line)).toEqual([5, 6, 7, 8]);
    expect(result.bad[0]!.reason).toBe('not a JSON object but a list');
    expect(result.bad[1]!.reason).toBe('not a JSON object but a number');
    expect(result.bad[2]!.reason).toMatch(/column 14$/);
    expect(result.bad[3]!.reason).toMatch(/^not valid JSON/);
  });

  it('reads lines and characters that lie across chunks of the file', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => ({ text: `${i} ${'é😀'.repeat(1500 + i)}` }));
    const file = folder.write('large.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
    expect(fs.statSync(file).size).toBeGreaterThan(2 << 20);
    const result = await readDataset(file);
    expect(result.rows.map((row) => row.values)).toEqual(rows);
    expect(result.sha256).toBe(createHash('sha256').update(fs.readFileSync(file)).digest('hex'));
  });
});

describe('JSON lists', () => {
  it('knows the line on which each element starts, and has a number of its own for one that shares it', async () => {
    const text = '[\n {"text": "a, ] } \\" [",\n  "more": [1, {"x": 2}]},\n\n {"text": "b"}, {"text": "c"}\n]\n';
    const result = await readDataset(folder.write('list.json', text));
    expect(result.bad).toEqual([]);
    expect(result.rows.map((row) => [row.line, row.values['text']])).toEqual([
      [2, 'a, ] } " ['],
      [5, 'b'],
      [6, 'c'],
    ]);
  });

  it('loses only the broken elements', async () => {
    const text =
      '[\n{"text": "a"},\n{"text": "b\n},\n{"text": "c"},\n"d",\n{"text": "e",\n "x": nope},\n{"text": "f"},\n]';
    const result = await readDataset(folder.write('broken.json', text));
    expect(lines(result)).toEqual([2, 5, 9]);
    expect(result.bad.map((row) => row.line)).toEqual([3, 6, 7]);
    expect(result.bad[1]!.reason).toBe('not a JSON object but text');
  });

  it('tells a list that is cut off, and a file that is no list', async () => {
    const cut = await readDataset(folder.write('cut.json', '[{"text": "a"},\n{"text": "b"'));
    expect(lines(cut)).toEqual([1]);
    expect(cut.bad).toEqual([{ line: 2, reason: 'not valid JSON: the file ends before the list is closed with "]"' }]);
    const object = folder.write('object.json', '{\n"data": {"text": "a"}\n}');
    expect((await graftError(() => readDataset(object))).code).toBe('DATASET_NOT_A_LIST');
  });

  it('reads one object per line under the name .json too', async () => {
    const result = await readDataset(folder.write('lines.json', '{"text": "a"}\n{"text": "b"}\n'));
    expect(result).toMatchObject({ format: 'jsonl', rows: [{ line: 1 }, { line: 2 }] });
  });
});

describe('CSV', () => {
  it('keeps quoted newlines, quotes and emoji, with the line where a record starts', async () => {
    const text = '\uFEFFprompt,completion\r\n"a, ""b""\r\nc",😀\r\n\r\nd,"\r\n\r\ne"\r\nf,g';
    const result = await readDataset(folder.write('quoted.csv', text));
    expect(result.bad).toEqual([]);
    expect(result.rows).toEqual([
      { line: 2, values: { prompt: 'a, "b"\r\nc', completion: '😀' } },
      { line: 5, values: { prompt: 'd', completion: '\r\n\r\ne' } },
      { line: 8, values: { prompt: 'f', completion: 'g' } },
    ]);
  });

  it.each([
    [';', 'semicolon.csv'],
    ['\t', 'tab.tsv'],
    ['\t', 'tab.csv'],
  ])('finds the delimiter %j', async (delimiter, name) => {
    const text = [
      ['prompt', '"a, b; c"'],
      ['1,2', 'x'],
      ['"3', '4"', 'y'],
    ]
      .map((cells) => cells.join(delimiter))
      .join('\n');
    const result = await readDataset(folder.write(name, text));
    expect(result.columns).toEqual(['prompt', 'a, b; c']);
    expect(result.rows.map((row) => row.values['prompt'])).toEqual(['1,2', `3${delimiter}4`]);
  });

  it('loses only the broken records', async () => {
    const text = 'a,b\n1,2\n3\n4,5,6\n7,"8" x\n9,1"0\n11,12\n13,"14\n15,16\n';
    const result = await readDataset(folder.write('broken.csv', text));
    expect(lines(result)).toEqual([2, 6, 7]);
    expect(result.rows[1]!.values).toEqual({ a: '9', b: '1"0' });
    expect(result.bad.map((row) => row.line)).toEqual([3, 4, 5, 8]);
    expect(result.bad[0]!.reason).toBe('1 cell where the header has 2');
    expect(result.bad[2]!.reason).toMatch(/^not valid CSV: text follows a closing quote/);
    expect(result.bad[3]!.reason).toMatch(/^a quote is opened and never closed, which hides the 1 line/);
  });

  it('reads cells longer than a chunk, and more records than one group', async () => {
    const rows = Array.from({ length: 700 }, (_, i) => [`p${i}`, `"${'x\n'.repeat(i === 3 ? 800_000 : 1)}"`]);
    const result = await readDataset(
      folder.write('large.csv', 'prompt,completion\n' + rows.map((row) => row.join(',')).join('\n')),
    );
    expect(result.rows).toHaveLength(700);
    expect(result.rows[3]!.values['completion']).toHaveLength(1_600_000);
    expect(result.rows.at(-1)).toEqual({ line: 2 + 699 * 2 + 799_999, values: { prompt: 'p699', completion: 'x\n' } });
  });

  it('refuses a header that names a column twice', async () => {
    const error = await graftError(() => readDataset(folder.write('twice.csv', 'a,b,a\n1,2,3\n')));
    expect(error).toMatchObject({
      code: 'DATASET_HEADER',
      message: expect.stringContaining('"a" appears twice') as string,
    });
  });
});

describe('files that are no dataset', () => {
  it.each([
    ['an absent file', () => `${folder.dir}/absent.jsonl`, 'DATASET_NOT_FOUND'],
    ['a device', () => '/dev/null', 'DATASET_IS_FOLDER'],
    ['an empty file', () => folder.write('empty.jsonl', ''), 'DATASET_EMPTY'],
    ['blank lines', () => folder.write('blank.jsonl', '\n \n'), 'DATASET_EMPTY'],
    ['an empty list', () => folder.write('empty.json', ' [ ] '), 'DATASET_EMPTY'],
    ['a header alone', () => folder.write('header.csv', 'prompt,completion\n'), 'DATASET_EMPTY'],
    [
      'a cut-off character',
      () => folder.write('cut.jsonl', Buffer.from('{"text": "é').subarray(0, 11)),
      'DATASET_ENCODING',
    ],
  ])('refuses %s in one sentence', async (_, make, code) => {
    const file = make();
    const error = await graftError(() => readDataset(file));
    expect(error.code).toBe(code);
    expect(error.message).toContain(file);
    expect(error.message).not.toContain('\n');
  });

  it('goes by the content where the name says nothing, and by --format above all', async () => {
    expect((await readDataset(folder.write('a.txt', '[{"text": "a"}]'))).format).toBe('json');
    expect((await readDataset(folder.write('b', '{"text": "a"}\n'))).format).toBe('jsonl');
    expect((await readDataset(folder.write('c.txt', 'prompt;completion\n1;2\n'))).columns).toEqual([
      'prompt',
      'completion',
    ]);
    expect((await readDataset(folder.write('d.txt', 'text\nhello\n'), { format: 'csv' })).rows).toHaveLength(1);
  });
});

describe.skipIf(!hasShared('data/instruct'))(`real files${skipNote('data/instruct')}`, () => {
  it.each([
    ['e2e/dev.jsonl', 4672, 4672],
    ['e2e/test.jsonl', 4693, 4693],
    ['instruct/derived_self_instruct/alpaca.json', 427, 2132],
    ['instruct/derived_self_instruct/messages.jsonl', 427, 427],
    ['instruct/derived_self_instruct/sharegpt.json', 427, 5540],
    ['instruct/derived_self_instruct/prompt_completion.csv', 427, 2596],
    ['instruct/prompts_csv/prompts_2025-03.csv', 212, 213],
    ['instruct/prompts_csv/prompts_2026-01.csv', 919, 23185],
  ])('%s: %i rows, all good', async (name, rows, lastLine) => {
    const result = await readDataset(sharedPath(`data/${name}`));
    expect(result.bad).toEqual([]);
    expect(result.rows).toHaveLength(rows);
    expect(result.rows.at(-1)!.line).toBe(lastLine);
  });

  it('gives the same texts from JSON as JSON.parse, and from CSV as from JSON', async () => {
    const dir = 'data/instruct/derived_self_instruct';
    const alpaca = await readDataset(sharedPath(`${dir}/alpaca.json`));
    expect(alpaca.rows.map((row) => row.values)).toEqual(
      JSON.parse(fs.readFileSync(sharedPath(`${dir}/alpaca.json`), 'utf8')),
    );
    const csv = await readDataset(sharedPath(`${dir}/prompt_completion.csv`));
    const text = (value: unknown) => String(value).trim();
    expect(csv.rows.map((row) => text(row.values['completion']))).toEqual(
      alpaca.rows.map((row) => text(row.values['output'])),
    );
    const source = fs.readFileSync(sharedPath(`${dir}/prompt_completion.csv`), 'utf8').split('\n');
    for (const row of csv.rows) {
      const start = String(row.values['prompt']).split(/[\n"]/)[0]!.trim();
      expect(source[row.line - 1]).toContain(start);
    }
  });
});
