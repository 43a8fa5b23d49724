/**
 * Datasets of every format, each read as the page does (an index and a survey of its rows) and as a run does, which
 * must agree about what is good.
 */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { tableFromArrays, tableToIPC } from '@uwdata/flechette';
import { readExamples } from '../../src-main/datasets/dataset.ts';
import { readIndex } from '../../src-main/datasets/readIndex.ts';
import { RowFile } from '../../src-main/datasets/rowFile.ts';
import { RowIndex } from '../../src-main/datasets/rowIndex.ts';
import { surveyRows } from '../../src-main/datasets/survey.ts';
import { parquet } from '../../test-support/fixtures/parquet.ts';
import { workbook } from '../../test-support/fixtures/workbook.ts';
import type { Form } from './mutate.ts';
import type { Reader } from './reader.ts';

const PROMPTS = ['How are you?', 'Who', 'a "quoted", b', 'é𝄞'];
const ROWS = PROMPTS.map((prompt, i) => ({ prompt, completion: `Fine ${i}.` }));
const CHATS = PROMPTS.map((content) => ({
  messages: [
    { role: 'user', content },
    { role: 'assistant', content: 'Fine.', weight: 1 },
  ],
  tools: [{ type: 'function', function: { name: 'f', parameters: {} } }],
}));
const CELLS = [['prompt', 'completion'], ...ROWS.map((row) => Object.values(row))];
const COLUMNS = { prompt: PROMPTS, completion: ROWS.map(({ completion }) => completion) };
const TEXT = `# Title\n\n${'A paragraph of some words.\n\n'.repeat(300)}`;

const jsonl = (rows: unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const table = (separator: string): string => CELLS.map((cells) => cells.map(quoted).join(separator)).join('\n');

/** Files of a dataset by name; those of one name are the file itself, else a folder is read. */
const DATASETS: Record<string, Record<string, [content: string | Uint8Array, form: Form]>> = {
  JSONL: { 'rows.jsonl': [jsonl(ROWS), 'rows'] },
  'JSONL with conversations': { 'rows.jsonl': [jsonl(CHATS), 'rows'] },
  JSON: { 'rows.json': [JSON.stringify(ROWS), 'json'] },
  'JSON with conversations': { 'rows.json': [JSON.stringify(CHATS), 'json'] },
  'wrapped JSON': { 'rows.json': [JSON.stringify({ version: 1, result: { data: ROWS }, more: [1] }), 'json'] },
  CSV: { 'rows.csv': [table(','), 'rows'] },
  TSV: { 'rows.tsv': [table('\t'), 'rows'] },
  text: { 'rows.txt': [TEXT, 'rows'] },
  Markdown: { 'rows.md': [TEXT, 'rows'] },
  Parquet: { 'rows.parquet': [parquet(ROWS, 'none'), 'bytes'] },
  'Parquet with gzip': { 'rows.parquet': [parquet(ROWS, 'gzip'), 'bytes'] },
  Arrow: { 'rows.arrow': [tableToIPC(tableFromArrays(COLUMNS), { format: 'file' })!, 'bytes'] },
  'Arrow stream': { 'rows.arrow': [tableToIPC(tableFromArrays(COLUMNS), { format: 'stream' })!, 'bytes'] },
  XLSX: { 'rows.xlsx': [workbook({ First: CELLS.slice(0, 3), Second: CELLS }), 'zip'] },
  gz: { 'rows.jsonl.gz': [zlib.gzipSync(jsonl(ROWS)), 'gzip'] },
  zst: { 'rows.csv.zst': [zlib.zstdCompressSync(table(',')), 'zstd'] },
  folder: {
    'train-0.jsonl': [jsonl(ROWS), 'rows'],
    'train-1.jsonl.gz': [zlib.gzipSync(jsonl(ROWS)), 'gzip'],
    'test.jsonl': [jsonl(ROWS), 'rows'],
    'README.md': [TEXT, 'rows'],
  },
};

/** `scratch`: a folder for the rows of an index. */
export function datasetReaders(scratch: string): Reader[] {
  return Object.entries(DATASETS).map(([name, files]): Reader => ({
    name: `dataset ${name}`,
    async write(dir) {
      for (const [file, [content]] of Object.entries(files)) fs.writeFileSync(path.join(dir, file), content);
      return Object.fromEntries(Object.entries(files).map(([file, [, form]]) => [file, form]));
    },
    read(dir) {
      const [only, ...others] = Object.keys(files);
      return readBothWays(others.length > 0 ? dir : path.join(dir, only!), scratch);
    },
  }));
}

async function readBothWays(file: string, scratch: string): Promise<string[]> {
  const rowFile = new RowFile(scratch);
  try {
    const index = new RowIndex(await readIndex(file, { fd: rowFile.fd, dir: scratch }), rowFile);
    index.window(0, 5);
    await index.matches('fine');
    const { good, bad, badCount } = await surveyRows(index);
    const { examples, bad: runsBad } = await readExamples({ file });
    const [ours, runs] = [`${good.count} good, ${badCount} bad`, `${examples.length} good, ${runsBad.length} bad`];
    if (ours !== runs) throw new Error(`the page counts ${ours} rows, a run ${runs}`);
    return [...bad, ...runsBad].map(({ reason }) => reason);
  } finally {
    rowFile.close();
  }
}
