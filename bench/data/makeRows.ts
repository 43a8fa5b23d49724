/** Rows of prompt and completion of about 2 KB, streamed to disk: this repository's words, as often as Zipf says. */
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { Random } from '../../src-shared/random.ts';
import { DOCS } from '../lib/places.ts';

const PROMPT_WORDS = 50;
const COMPLETION_WORDS = 285;
/** Of a hundred words: a number, and a word that is nowhere else. */
const NUMBERS = 3;
const UNSEEN = 1;

/** Returns the bytes written. */
export async function makeRows(file: string, rows: number): Promise<number> {
  const random = new Random(1);
  const words = wordsOfDocs();
  const word = (): string => {
    const kind = random.integer(100);
    if (kind < NUMBERS) return String(random.integer(100_000));
    if (kind < NUMBERS + UNSEEN) return random.nextUint32().toString(36);
    return words[Math.floor(words.length ** random.uniform()) - 1]!;
  };
  const text = (count: number): string => {
    let written = word();
    for (let i = 1; i < count; i++) written += (i % 17 === 0 ? '. ' : i % 71 === 0 ? '\n' : ' ') + word();
    return written;
  };
  const stream = fs.createWriteStream(file);
  for (let row = 0; row < rows; row++) {
    const completion = text(COMPLETION_WORDS + random.integer(60) - 30);
    if (
      !stream.write(
        `${JSON.stringify({ prompt: `${row}: ${text(PROMPT_WORDS)}\nAnswer:`, completion: ` ${completion}` })}\n`,
      )
    )
      await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'finish');
  return fs.statSync(file).size;
}

/** The most frequent first. */
function wordsOfDocs(): string[] {
  const counts = new Map<string, number>();
  for (const name of fs.readdirSync(DOCS).filter((one) => one.endsWith('.md')))
    for (const word of fs.readFileSync(path.join(DOCS, name), 'utf8').split(/\s+/))
      if (word.length > 0 && word.length < 20) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([word]) => word);
}
