/** Reads JSONL: one JSON object per line; blank lines are skipped. */
import type { BadRow } from '../../../src-shared/datasets.ts';
import type { RawRow } from '../types.ts';
import { parseJsonRow } from './jsonRow.ts';

/** Rows and bad rows in file order, each with its line. */
export async function* readJsonl(chunks: AsyncIterable<string>): AsyncGenerator<RawRow | BadRow> {
  let line = 0;
  for await (const text of splitLines(chunks)) {
    line++;
    if (text.trim() !== '') yield { line, ...parseJsonRow(text.trimEnd(), line) };
  }
}

async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest: string[] = [];
  for await (const chunk of chunks) {
    const [end = '', ...lines] = chunk.split('\n');
    rest.push(end);
    for (const line of lines) {
      yield rest.join('');
      rest = [line];
    }
  }
  yield rest.join('');
}
