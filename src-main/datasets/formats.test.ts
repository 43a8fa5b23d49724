/**
 * Files as people have them: packed, binary, from spreadsheets. What they hold is judged by other readers.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { zipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { graftError, TestFolder } from '../../test-support/fixtures/dataFiles.ts';
import { workbook } from '../../test-support/fixtures/workbook.ts';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { prepareDataset, readExamples } from './dataset.ts';
import { readDataset, type ReadOptions } from './read.ts';
import { loadTokenizer } from './tokenizer.ts';

const folder = new TestFolder();
afterAll(() => folder.remove());

const ROWS = [
  { prompt: 'A cat ', completion: 'sat.' },
  { prompt: 'A dog ', completion: 'ran.' },
];
const JSONL = ROWS.map((row) => `${JSON.stringify(row)}\n`).join('');
const values = async (file: string, options?: ReadOptions) =>
  (await readDataset(file, options)).rows.map((row) => row.values);

describe('packed files', () => {
  it.each([
    ['rows.jsonl.gz', zlib.gzipSync(JSONL)],
    ['rows.jsonl.zst', zlib.zstdCompressSync(JSONL)],
    ['named-otherwise.csv', zlib.gzipSync(JSONL)],
  ])('%s is unpacked, told by its content', async (name, bytes) => {
    expect(await values(folder.write(name, bytes))).toEqual(ROWS);
  });

  it('a cut-off one is named, and one that unpacks without end is refused', async () => {
    const text = JSONL.repeat(20_000) + Math.random().toString(36).repeat(2000);
    const cut = folder.write('cut.jsonl.gz', zlib.gzipSync(text).subarray(0, 2000));
    expect(await graftError(() => readDataset(cut))).toMatchObject({ code: 'DATASET_BROKEN' });
    const bomb = folder.write('bomb.jsonl.gz', zlib.gzipSync(Buffer.alloc(300 * 2 ** 20, ' ')));
    expect(await graftError(() => readDataset(bomb))).toMatchObject({ code: 'DATASET_UNPACKS_TOO_LARGE' });
  });
});

describe.skipIf(!hasShared('data/parquet'))(`Parquet${skipNote('data/parquet')}`, () => {
  const dir = 'data/parquet/derived_self_instruct';
  it.each(['none', 'snappy', 'gzip', 'zstd'])('%s: the rows that JSON has', async (codec) => {
    const source = JSON.parse(
      fs.readFileSync(sharedPath('data/instruct/derived_self_instruct/alpaca.json'), 'utf8'),
    ) as object[];
    const result = await readDataset(sharedPath(`${dir}/alpaca_${codec}.parquet`));
    expect(result).toMatchObject({ format: 'parquet', bad: [], columns: ['instruction', 'input', 'output'] });
    expect(result.rows.map((row) => row.values)).toEqual(source);
    expect(result.rows.at(-1)!.line).toBe(427);
  });

  it('lists of structs are conversations', async () => {
    const { kind, examples, bad } = await readExamples({ file: sharedPath(`${dir}/messages_nested_snappy.parquet`) });
    const lines = fs
      .readFileSync(sharedPath('data/instruct/derived_self_instruct/messages.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect({ kind, bad }).toEqual({ kind: 'messages', bad: [] });
    const wanted = lines.map((line) => (JSON.parse(line) as { messages: unknown }).messages);
    expect(examples.map(({ messages }) => messages)).toEqual(wanted);
  });

  it('damaged ones are named, and never more than an error', async () => {
    const bytes = fs.readFileSync(sharedPath(`${dir}/alpaca_snappy.parquet`));
    for (let i = 0; i < 40; i++) {
      const damaged = Buffer.from(i % 2 ? bytes : bytes.subarray(0, bytes.length - 100 * i - 1));
      for (let at = 7 * i + 5; at < damaged.length; at += 997) damaged[at]! ^= 1 << (i % 8);
      const file = folder.write('damaged.parquet', damaged);
      const code = await readDataset(file).then(
        () => 'read',
        (error: { code?: string }) => error.code,
      );
      expect(['read', 'DATASET_BROKEN', 'DATASET_EMPTY']).toContain(code);
    }
  });
});

describe('XLSX', () => {
  const rows = [
    ['prompt', 'completion'],
    ['A cat ', 'sat.'],
    ['A dog ', 'ran.'],
  ];

  it('is read from its first sheet, or from the one that is named', async () => {
    const file = folder.write('book.xlsx', workbook({ First: rows, 'Second one': [['text'], ['b']] }));
    const first = await readDataset(file);
    expect(first).toMatchObject({ format: 'xlsx', notes: ['sheet First of First, Second one'] });
    expect(first.rows.map((row) => row.line)).toEqual([2, 3]);
    // With the space at the end of each prompt, which the model would otherwise never see.
    expect(first.rows.map((row) => row.values)).toEqual(ROWS);
    expect(await values(file, { part: 'Second one' })).toEqual([{ text: 'b' }]);
    expect(await graftError(() => readDataset(file, { part: 'Third' }))).toMatchObject({ code: 'DATASET_PART' });
  });
});

describe('CSV as spreadsheets write it', () => {
  it.skipIf(!hasShared('bugs')).each([
    [
      'midquote.csv',
      [
        { prompt: 'The pipe is 5" wide. ', completion: 'He said "yes" and ran.' },
        { prompt: 'A cat', completion: 'sat' },
      ],
    ],
    [
      'pipe.csv',
      [
        { prompt: 'A cat ', completion: 'sat, then ran' },
        { prompt: 'A dog ', completion: 'ran' },
      ],
    ],
    [
      'sep.csv',
      [
        { prompt: 'A cat ', completion: 'sat, then ran' },
        { prompt: 'A dog ', completion: 'ran' },
      ],
    ],
  ])('case 09: %s', async (name, wanted) => {
    expect(await values(sharedPath(`bugs/09-csv-quotes/${name}`))).toEqual(wanted);
  });

  it.skipIf(!hasShared('bugs'))('case 09: a quote escaped with a backslash is refused at its line', async () => {
    const read = await readDataset(sharedPath('bugs/09-csv-quotes/backslash.csv'));
    expect(read.rows.map((row) => row.values)).toEqual([{ prompt: 'A cat ', completion: 'sat' }]);
    expect(read.bad).toEqual([{ line: 2, reason: expect.stringContaining('write a quote inside') as string }]);
  });

  it('decimal commas, a file without a header, and encodings of before UTF-8', async () => {
    expect(await values(folder.write('decimal.csv', 'prompt;completion\r\n1,5 + 1,5;3,0\r\n'))).toEqual([
      { prompt: '1,5 + 1,5', completion: '3,0' },
    ]);
    const bare = folder.write('bare.csv', 'A cat,sat\nA dog,ran\n');
    expect(await values(bare, { noHeader: true })).toEqual([
      { 'column 1': 'A cat', 'column 2': 'sat' },
      { 'column 1': 'A dog', 'column 2': 'ran' },
    ]);
    const text = 'prompt,completion\n' + 'Où est le garçon, "déjà" là?,à l’été'.replace(', "', ' "').repeat(1) + '\n';
    const western = Buffer.from(text.replace('’', "'"), 'latin1');
    const read = await readDataset(folder.write('latin1.csv', western));
    expect(read.rows[0]!.values).toEqual({ prompt: 'Où est le garçon "déjà" là?', completion: "à l'été" });
    expect(read.notes[0]).toMatch(/^read as (windows-1252|iso-8859-\d+)$/);
    for (const mark of ['\uFEFF', '']) {
      const wide = Buffer.from(`${mark}prompt,completion\nA cat,sat\n`, 'utf16le');
      expect(await values(folder.write('wide.csv', wide))).toEqual([{ prompt: 'A cat', completion: 'sat' }]);
    }
    // A letter of Latin-1 far from the start counts as well.
    const late = Buffer.concat([Buffer.from(`text\n${'plain\n'.repeat(60_000)}`), Buffer.from('caf\xe9\n', 'latin1')]);
    expect((await values(folder.write('late.csv', late), { format: 'csv' })).at(-1)).toEqual({ text: 'café' });
  });
});

describe('text and Markdown', () => {
  const paragraphs = Array.from({ length: 40 }, (_, i) =>
    `Paragraph ${i}. ${'The cat sat on the mat. '.repeat(8)}`.trim(),
  );
  const text = `# Title\n\n${paragraphs.join('\n\n')}\n`;

  it('are rows of whole paragraphs, none of them lost, with their lines', async () => {
    const file = folder.write('story.md', text);
    const { format, rows } = await readDataset(file);
    expect(format).toBe('text');
    expect(rows.map(({ values: row }) => row['text']).join('\n\n')).toBe(text.trim());
    const lines = text.split('\n');
    for (const { line, values: row } of rows) expect(lines[line - 1]).toBe(String(row['text']).split('\n')[0]);
    expect(rows.map(({ goesOn }) => goesOn ?? false)).toEqual([...Array<boolean>(rows.length - 1).fill(true), false]);
    const long = await readDataset(folder.write('long.txt', 'word '.repeat(20_000)));
    expect(
      long.rows
        .map(({ values: row }) => row['text'])
        .join(' ')
        .split(' '),
    ).toHaveLength(20_000);
  });

  it.skipIf(!hasShared('data/stories260k'))(
    'fill as many rows of the maximum length as they need, with one EOS',
    async () => {
      const tokenizer = loadTokenizer(sharedPath('data/stories260k'));
      const file = folder.write('pieces.txt', text);
      const { examples, stats } = await prepareDataset({ file, maxLength: 64, tokenizer });
      expect(Math.max(...examples.map(({ ids }) => ids.length))).toBe(64);
      expect(stats.truncated).toBe(0);
      expect(examples.every(({ ids }) => ids[0] === 1)).toBe(true);
      const ends = examples.filter(({ ids }) => ids.includes(2));
      expect(ends).toEqual([examples.at(-1)]);
      const said = examples.map(({ ids }) => tokenizer.decode(ids)).join('');
      expect(said.replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
    },
  );
});

describe('wrapped JSON', () => {
  const rows = JSON.stringify(ROWS, null, 1);
  it('the only list is found, with its lines; one of several is chosen by its path', async () => {
    const one = await readDataset(folder.write('data.json', `{\n"version": "x [{",\n"data": ${rows},\n"n": 2}`));
    expect(one.rows.map((row) => row.values)).toEqual(ROWS);
    expect(one.rows.map((row) => row.line)).toEqual([4, 8]);
    expect({ bad: one.bad, notes: one.notes }).toEqual({ bad: [], notes: ['rows of the list data'] });
    const file = folder.write('two.json', `{"a": {"train": ${rows}}, "b": [{"text": "x"}], "c": [1, 2]}`);
    expect((await graftError(() => readDataset(file))).message).toContain(
      'say which one holds the rows with --part: a.train, b.',
    );
    expect(await values(file, { part: 'a.train' })).toEqual(ROWS);
    const line = folder.write('line.json', `{"data": ${JSON.stringify(ROWS)}}`);
    expect(await values(line)).toEqual(ROWS);
    expect((await graftError(() => readDataset(file, { part: 'z' }))).code).toBe('DATASET_PART');
  });
});

describe('what is no dataset is named, with what to do', () => {
  it.each([
    ['a.jsonl', '%PDF-1.7\n%âãÏÓ', 'a PDF document', 'add it under Documents'],
    ['a.csv', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'an image', 'text only'],
    ['a.json', Buffer.from('8004950000', 'hex'), 'a Python pickle', 'not opened'],
    ['a.xls', Buffer.from(`d0cf11e0a1b11ae1${'00'.repeat(600)}`, 'hex'), 'an old Office document', '.xlsx'],
    ['a.jsonl', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', 'a Git LFS pointer', 'git lfs pull'],
    ['a.json', '<!DOCTYPE html><html><body>Log in</body></html>', 'a web page', 'download the file itself'],
    ['a.txt', '{\\rtf1\\ansi x}', 'an RTF document', 'save its text'],
    ['a.zip', zipSync({ 'x.jsonl': Buffer.from(JSONL) }), 'a ZIP archive', 'unpack it'],
    ['a.bin', Buffer.from([1, 2, 0, 3, 0, 0, 9, 200, 0, 1, 7]), 'binary data', ''],
    ['a.sqlite', `SQLite format 3\0${'\0'.repeat(200)}`, 'an SQLite database', '.csv'],
  ])('%s: %o', async (name, content, what, todo) => {
    const file = folder.write(name, content);
    const error = await graftError(() => readDataset(file));
    expect(error.code).toBe(what === 'binary data' ? 'DATASET_FORMAT_UNKNOWN' : 'DATASET_NOT_ROWS');
    expect(error.message).toContain(`${file} is ${what}`);
    expect(error.message).toContain(todo);
  });

  it.skipIf(!hasShared('bugs'))('case 08: each file is read, or named for what it is', async () => {
    const at = (name: string) => sharedPath(`bugs/08-compressed-and-binary/${name}`);
    // As gzip -d has it.
    expect(await values(at('rows.jsonl.gz'))).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => ({
        prompt: `Tom has ${n} red balls. `,
        completion: `He gave ${n} balls to Lily.`,
      })),
    );
    // Its checksum is wrong, as the zstd command finds too.
    expect((await graftError(() => readDataset(at('rows.jsonl.zst')))).message).toContain('as a Zstandard file');
    // A ZIP file with a sheet and no workbook around it.
    expect((await graftError(() => readDataset(at('rows.xlsx')))).message).toMatch(
      /rows\.xlsx is a ZIP archive; unpack it and choose the file or the folder inside\.$/,
    );
  });

  it('a pipe is not waited for', async () => {
    const pipe = path.join(folder.dir, 'pipe.jsonl');
    if (spawnSync('mkfifo', [pipe]).status === 0)
      expect((await graftError(() => readDataset(pipe))).code).toBe('DATASET_IS_FOLDER');
  });
});
