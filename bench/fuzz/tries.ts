/** Reads changed inputs, one after the other, and says what was wrong with the answers. */
import fs from 'node:fs';
import path from 'node:path';
import { toErrorData } from '../../src-shared/errors.ts';
import { Random } from '../../src-shared/random.ts';
import { mutated, type Form } from './mutate.ts';
import type { Reader } from './reader.ts';
import { allReaders } from './readers.ts';

export interface Try {
  number: number;
  reader: string;
  /** The folder with the changed input, and the file that was changed. */
  dir: string;
  file: string;
}

export interface Tried extends Try {
  /** Undefined where the input was read, or refused in one clear sentence. */
  problem?: string;
}

/** What Node, zod or V8 say, and no user can make sense of. */
const RAW = [
  /Cannot (?:read|set|convert|destructure|create|mix)/,
  /is not (?:a function|iterable|defined|a constructor)/,
  /Maximum call stack|Invalid (?:string|array|typed array) length|out of memory|allocation failed/,
  /^Unexpected |expected \w+, received|Invalid (?:input|count)/,
  /^E[A-Z]{3,}:|ERR_[A-Z]/,
];

/** Valid inputs of every reader, written once into an empty folder; each try changes a copy. */
export class Tries {
  #places: { reader: Reader; dir: string; forms: [file: string, form: Form][] }[] = [];
  #seed: number;
  #restore = (): void => undefined;

  private constructor(seed: number) {
    this.#seed = seed;
  }

  static async in(root: string, seed: number): Promise<Tries> {
    const tries = new Tries(seed);
    const beside = path.join(root, 'beside');
    fs.mkdirSync(beside, { recursive: true });
    for (const [i, reader] of (await allReaders(beside)).entries()) {
      const dir = path.join(root, `reader-${i}`);
      fs.mkdirSync(dir);
      const forms = Object.entries(await reader.write(dir));
      const problem = await problemOf(reader, dir);
      if (problem !== undefined || forms.length === 0)
        throw new Error(`${reader.name} refuses its own input: ${problem}`);
      tries.#places.push({ reader, dir, forms });
    }
    return tries;
  }

  /** `before` is told what is about to be read: the reading may never end. */
  async take(number: number, before: (what: Try) => void = () => undefined): Promise<Tried> {
    this.#restore();
    const random = Random.stream(this.#seed, `try ${number}`);
    const { reader, dir, forms } = this.#places[random.integer(this.#places.length)]!;
    const [file, form] = forms[random.integer(forms.length)]!;
    const whole = path.join(dir, file);
    const original = fs.readFileSync(whole);
    const what = { number, reader: reader.name, dir, file };
    // Until the next try: whoever hears of a problem finds the input as it was read.
    this.#restore = () => fs.writeFileSync(whole, original);
    fs.writeFileSync(whole, mutated(original, form, random));
    before(what);
    const problem = await problemOf(reader, dir, true);
    return problem === undefined ? what : { ...what, problem };
  }
}

/** `mayRefuse`: a sentence of Graft's own is an answer. */
async function problemOf(reader: Reader, dir: string, mayRefuse = false): Promise<string | undefined> {
  let sentences: string[];
  try {
    sentences = await reader.read(dir);
  } catch (error) {
    const { code, message, details } = toErrorData(error);
    if (code === 'INTERNAL')
      return `INTERNAL: ${message.slice(0, 300)}\n${String(details?.['stack'] ?? '').slice(0, 1500)}`;
    if (!mayRefuse) return message;
    if (!message.endsWith('.')) return `no full sentence: ${message.slice(0, 300)}`;
    sentences = [message];
  }
  const raw = sentences.find((sentence) => RAW.some((one) => one.test(sentence)));
  return raw === undefined ? undefined : `not a sentence of Graft's own: ${raw.slice(0, 300)}`;
}
