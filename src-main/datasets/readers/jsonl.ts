/** Reads JSONL: one JSON object per line; blank lines are skipped. */
import type { BadRow } from '../../../src-shared/datasets.ts';
import type { RawRow } from '../types.ts';
import { MOST_ROW_CHARS, parseJsonRow, TOO_LONG } from './jsonRow.ts';

/** Rows and bad rows in file order, each with its line. */
export async function* readJsonl(chunks: AsyncIterable<string>): AsyncGenerator<RawRow | BadRow> {
  let line = 0;
  for await (const text of splitLines(chunks)) {
    line++;
    if (text === undefined) yield { line, reason: TOO_LONG };
    else if (text.trim() !== '') yield { line, ...parseJsonRow(text.trimEnd(), line) };
  }
}

/** Undefined for a line that is too long. */
async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string | undefined> {
  let rest: string[] = [];
  let length = 0;
  const take = (text: string): void => {
    length += text.length;
    if (length > MOST_ROW_CHARS) rest = [];
    else rest.push(text);
  };
  const whole = (): string | undefined => (length > MOST_ROW_CHARS ? undefined : rest.join(''));
  for await (const chunk of chunks) {
    const [end = '', ...lines] = chunk.split('\n');
    take(end);
    for (const line of lines) {
      yield whole();
      [rest, length] = [[], 0];
      take(line);
    }
  }
  yield whole();
}
