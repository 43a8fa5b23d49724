/**
 * The rows of a large JSONL file before it has been tokenised: one look through it finds where each good row lies, and
 * a row is tokenised when it is asked for. They are exactly the rows that the whole file comes to, in the same order.
 */
import fs from 'node:fs';
import { GraftError } from '../../../src-shared/errors.ts';
import type { ColumnPlan } from '../../../src-shared/datasets.ts';
import { planColumns } from '../columns.ts';
import { toExample } from '../examples.ts';
import { templated } from '../promptTemplates.ts';
import { openRows } from '../read.ts';
import { tokeniseExample } from '../tokeniseExample.ts';
import type { TokenisedExample } from '../types.ts';
import { blocksOf } from './blocks.ts';
import type { RowFacts, RowList } from './rowList.ts';
import { RowPlaces } from './rowPlaces.ts';
import type { CachedRows } from './tokenCache.ts';
import { rowsOf } from './tokeniseBlock.ts';
import { tokeniseFile, type OnTokenised, type TokenisedFacts, type TokeniseOptions } from './tokeniseFile.ts';

/**
 * Why the rows must all be tokenised before the first can be had; undefined: they need not be. What is asked for here
 * makes it certain which rows are good, and that none of them teaches an end beside the model's own EOS.
 */
export async function whyNotEarly(options: TokeniseOptions): Promise<string | undefined> {
  const { file, tokenizer, vocab = Infinity, classify, answers, format, part, noHeader } = options;
  if (answers) return 'whether both answers of a pair can be used only their tokens tell';
  if (classify) return 'which classes there are is known once all texts have been read';
  const { byteBounds, eosId, vocabSize } = tokenizer;
  if (!byteBounds || eosId === undefined || vocabSize > vocab)
    return 'with the tokenizer of this model only the tokens of a row tell whether it can be used';
  if (fs.statSync(file).isDirectory()) return 'they lie in several files';
  const stream = await openRows(file, { format, part, noHeader, samples: true });
  if (!stream.bytes || stream.compression)
    return 'only rows of a JSONL file that is not compressed can be read one by one';
  const rows = [];
  for await (const block of blocksOf(stream)) {
    rows.push(...[...rowsOf(block)].filter((row) => 'values' in row));
    break; // which closes the file
  }
  const found = planColumns(file, [...new Set(rows.flatMap(({ values }) => Object.keys(values)))], options.map);
  const { plan } = templated(found, tokenizer, options);
  return rows.some((row) => 'messages' in toExample(row, plan))
    ? 'what the template makes of a conversation is known once it has been written'
    : undefined;
}

/** Throws what prepareDataset throws. `facts`: with no lengths in them. */
export async function earlyRows(
  options: TokeniseOptions,
  onLooked: OnTokenised,
): Promise<{ rows: EarlyRows; facts: TokenisedFacts }> {
  const { file } = options;
  const fd = fs.openSync(file, 'r');
  try {
    const known = contentOf(fd);
    const work = { onTokenised: onLooked, placesOnly: true };
    const { writer, facts } = await tokeniseFile(options, () => new RowPlaces(), work);
    const { plan, tokenizer } = templated(planColumns(file, facts.columns, options.map), options.tokenizer, options);
    return {
      rows: new EarlyRows({ ...options, tokenizer }, { fd, known, sha256: facts.sha256, plan }, writer.finish()),
      facts,
    };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

interface Looked {
  fd: number;
  /** What the file was when it was looked through. */
  known: string;
  sha256: string;
  plan: ColumnPlan;
}

export class EarlyRows implements RowList {
  readonly facts: RowFacts;
  readonly #options: TokeniseOptions;
  readonly #looked: Looked;
  readonly #starts: Float64Array;
  readonly #sizes: Int32Array;
  #kept: CachedRows | undefined;
  #isClosed = false;
  #fault: GraftError | undefined;

  constructor(options: TokeniseOptions, looked: Looked, { starts, sizes, ...facts }: ReturnType<RowPlaces['finish']>) {
    this.#options = options;
    this.#looked = looked;
    [this.#starts, this.#sizes] = [starts, sizes];
    this.facts = facts;
  }

  get length(): number {
    return this.#starts.length;
  }

  /** Throws DATASET_CHANGED where the file is another one by now, or what comeFrom has thrown. */
  at(index: number): TokenisedExample | undefined {
    if (index < 0 || index >= this.length) return undefined;
    if (this.#fault) throw this.#fault;
    if (this.#kept) return this.#kept.at(index);
    const { lossOn = 'completion', ...rules } = this.#options;
    const bytes = new Uint8Array(this.#sizes[index]!);
    const firstByte = this.#starts[index]!;
    this.#read(bytes, firstByte);
    const [row] = rowsOf({ bytes, firstLine: this.facts.lines[index]!, firstByte });
    const example = row && 'values' in row ? toExample(row, this.#looked.plan) : row;
    if (!example || 'reason' in example) throw this.#changed();
    const found = tokeniseExample(example, { ...rules, lossOn, isPiece: false });
    const own = 'rows' in found ? found.rows[0] : undefined; // of a JSONL file's row there is never a second
    if (!own) throw notTheRows(this.#options.file);
    return { ...own, group: this.facts.groups[index]! };
  }

  /**
   * From now on rows are read from the cache. Throws DATASET_CHANGED where those are of another file in its place, and
   * INTERNAL where they are not the same rows, after which none are given.
   */
  comeFrom(kept: CachedRows): void {
    const { lines, groups } = this.facts;
    const isSame = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
      a.length === b.length && Array.prototype.every.call(a, (value, i) => value === b[i]);
    const isOther = kept.own.sha256 !== this.#looked.sha256;
    if (this.#isClosed || isOther) kept.close();
    else this.#kept = kept;
    if (isOther) throw this.#changed();
    if (isSame(lines, kept.facts.lines) && isSame(groups, kept.facts.groups)) return;
    throw (this.#fault = notTheRows(this.#options.file));
  }

  close(): void {
    this.#isClosed = true;
    this.#kept?.close();
    fs.closeSync(this.#looked.fd);
  }

  #read(bytes: Uint8Array, from: number): void {
    const { fd, known } = this.#looked;
    if (contentOf(fd) !== known) throw this.#changed();
    for (let got = 0; got < bytes.length;) {
      const read = fs.readSync(fd, bytes, got, bytes.length - got, from + got);
      if (read === 0) throw this.#changed();
      got += read;
    }
  }

  #changed(): GraftError {
    const { file } = this.#options;
    return new GraftError(
      'DATASET_CHANGED',
      `${file} has changed while a run reads its rows; put it back as it was and resume the run, or add the dataset ` +
        'again and start a new run.',
      { file },
    );
  }
}

function contentOf(fd: number): string {
  const { size, mtimeMs } = fs.fstatSync(fd);
  return `${size} ${mtimeMs}`;
}

function notTheRows(file: string): GraftError {
  return new GraftError(
    'INTERNAL',
    `The rows of ${file} are others now that they are tokenised than the run began with; start the run again, which ` +
      'takes the tokens that are there now.',
    { file },
  );
}
