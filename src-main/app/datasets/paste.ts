/** Rows that were pasted, made into a file that is read like any other. */
import fs from 'node:fs';
import { usageError } from '../../../src-shared/errors.ts';
import { textFormat } from '../../datasets/readers/format.ts';
import type { Home } from '../storage/home.ts';
import { writeOwnFile } from './ownFile.ts';

/**
 * `asLines`: each line is a text, whatever it looks like. Returns the path of the file. Throws a usage error
 * DATASET_EMPTY.
 */
export function writePasted(home: Home, { text, asLines }: { text: string; asLines: boolean }): Promise<string> {
  const lines = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  if (lines.trim() === '') throw usageError('DATASET_EMPTY', 'Nothing was pasted; paste some rows first.');
  const { name, content } = asLines ? linesFile(lines) : asFile(lines);
  return writeOwnFile(home, name, (file) => fs.writeFileSync(file, content, { mode: 0o600 }));
}

/** A table is told from its tabs, which spreadsheets put between cells, then as a file of this content would be. */
function asFile(text: string): { name: string; content: string } {
  const [firstLine = ''] = text.trimStart().split('\n', 1);
  if (!/^[[{]/.test(firstLine) && firstLine.includes('\t')) return { name: 'Pasted rows.tsv', content: text };
  const format = textFormat('pasted', text);
  if (format === 'jsonl' || format === 'json') return { name: `Pasted rows.${format}`, content: text };
  if (format === 'csv') return { name: 'Pasted rows.csv', content: text };
  return linesFile(text);
}

/** A line is a row, which a file of text would not say. */
function linesFile(text: string): { name: string; content: string } {
  const rows = text.split('\n').filter((line) => line.trim() !== '');
  return { name: 'Pasted lines.jsonl', content: rows.map((line) => `${JSON.stringify({ text: line })}\n`).join('') };
}
