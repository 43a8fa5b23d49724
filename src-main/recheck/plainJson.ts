/** JSON of other people's folders, which may begin with a byte order mark. */
import fs from 'node:fs';

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

/** Throws an Error in words about a text that is not JSON. */
export function jsonOf(file: string, reviver?: Reviver): unknown {
  const text = fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  try {
    return JSON.parse(text, reviver) as unknown;
  } catch {
    throw new Error(`${file} is not valid JSON`);
  }
}
