/** Tokenises all rows of a file in threads, into a file of tokens; memory holds a few stretches and numbers per row. */
import { GraftError } from '../../../src-shared/errors.ts';
import type { ColumnPlan, DatasetFormat, FileRules } from '../../../src-shared/datasets.ts';
import { BadRows } from '../badRows.ts';
import { planColumns } from '../columns.ts';
import { noUsableRows, type PreparedDataset, type PrepareOptions } from '../dataset.ts';
import { FirstSeen } from '../firstSeen.ts';
import { assertClassifiable, classesOf } from '../labelledTexts.ts';
import { statsOf } from '../lengthStats.ts';
import { keptOf, templated, type Templated } from '../promptTemplates.ts';
import { openRows, readToEnd, type RowStream } from '../read.ts';
import { emptyDataset } from '../readers/bytes.ts';
import { ColumnNames, MORE_COLUMNS } from '../readers/columnNames.ts';
import { NumberList } from '../rowStore.ts';
import { UnusedFields } from '../unusedFields.ts';
import type { BadRow } from '../../../src-shared/datasets.ts';
import { blocksOf } from './blocks.ts';
import { rowsOf, type Block, type BlockAnswer, type TokenRules } from './tokeniseBlock.ts';
import { idBytesFor, withClass } from './tokenRecord.ts';
import { blockThreads, type ThreadRules } from './tokenThreads.ts';

/** What is known of all rows of a file, but for where it lies. */
export interface TokenisedFacts extends Omit<PreparedDataset<[]>, 'file' | 'examples'> {
  format: DatasetFormat;
  columns: string[];
  notes: string[];
  sizeBytes: number;
}

export interface TokeniseOptions extends PrepareOptions {
  modelDir: string;
}

/** Rows and bytes so far, of the bytes there are. */
export type OnTokenised = (rows: number, doneBytes: number, totalBytes: number) => void;

/** Bad rows that are listed; a run with more rows of which nothing is learnt does not start whatever is left out. */
const MOST_UNUSABLE = 10_000;

/** Other columns come later in the file, by which its rows are read otherwise. */
class OtherColumns extends Error {
  readonly columns: string[];
  constructor(columns: string[]) {
    super('the columns are others');
    this.columns = columns;
  }
}

/** Where rows go, in file order. */
export interface RowWriter {
  readonly rows: number;
  write(records: Uint8Array, rows: (Omit<BlockAnswer['rows'][number], 'prompt'> & { group: number })[]): void;
  discard(): void;
}

interface FileWork extends ThreadRules {
  onTokenised: OnTokenised;
  /** Of the rows of a JSONL file only where they lie is wanted (tokeniseBlock.ts). */
  placesOnly?: boolean;
}

/** Writes with `writer`, which is finished by the caller. Throws what prepareDataset throws, or CANCELLED. */
export async function tokeniseFile<Writer extends RowWriter>(
  options: TokeniseOptions,
  newWriter: () => Writer,
  work: FileWork,
): Promise<{ writer: Writer; facts: TokenisedFacts; classOf: number[] | undefined }> {
  let columns: string[] | undefined;
  for (;;) {
    const writer = newWriter();
    try {
      return { writer, ...(await new FileTokeniser(options, writer, work).run(columns)) };
    } catch (error) {
      writer.discard();
      if (!(error instanceof OtherColumns) || columns) throw error;
      ({ columns } = error);
    }
  }
}

class FileTokeniser {
  #options: TokeniseOptions;
  #writer: RowWriter;
  #work: FileWork;
  #notes: string[] = [];
  #columns = new ColumnNames(() => (this.#notes = [MORE_COLUMNS]));
  #bad = new BadRows();
  #unusable: BadRow[] = [];
  #unusableCount = 0;
  #fullLengths = new NumberList();
  #tokens = 0;
  #labelledTokens = 0;
  #truncated = 0;
  #controlTokenRows = 0;
  #read = 0;
  #groups = new FirstSeen();
  #groupCount = 0;
  #classes = new Map<string, number>();
  #unused: UnusedFields | undefined;
  #templates: Pick<Templated, 'kept' | 'conversational'> = {};
  #conversations = 0;

  constructor(options: TokeniseOptions, writer: RowWriter, work: FileWork) {
    this.#options = options;
    this.#writer = writer;
    this.#work = work;
  }

  /** `columns`: all of the file, where they are known. */
  async run(columns: string[] | undefined): Promise<{ facts: TokenisedFacts; classOf: number[] | undefined }> {
    const { file } = this.#options;
    let doneBytes = 0;
    const stream = await openRows(file, { ...fileRules(this.#options), onProgress: (bytes) => (doneBytes = bytes) });
    const blocks = blocksOf(stream);
    const first = await blocks.next();
    if (first.done) throw emptyDataset(file, 'has no rows');
    const found = columns ? this.#plan(columns) : await this.#planOf(first.value, stream);
    const { classify = false, tokenizer: own } = this.#options;
    const templates: Templated = classify ? { plan: found, tokenizer: own } : templated(found, own, this.#options);
    const { plan, tokenizer } = templates;
    this.#templates = templates;
    const rules = this.#rules(plan, stream.format, tokenizer === own ? undefined : tokenizer.chatTemplate);
    this.#unused = new UnusedFields(plan, { chatTemplate: tokenizer.chatTemplate, classifies: classify });
    const threads = blockThreads(file, this.#work);
    const pending: { answer: Promise<BlockAnswer>; doneBytes: number }[] = [];
    try {
      for (let block: Block | undefined = first.value; block || pending.length > 0;) {
        if (block && pending.length < threads.width) {
          const answer = threads.ask({ rules, block });
          answer.catch(() => undefined); // whoever waits for an earlier one hears of that first
          pending.push({ answer, doneBytes });
          const next: IteratorResult<Block> = await blocks.next();
          block = next.done ? undefined : next.value;
          continue;
        }
        const oldest = pending.shift()!;
        this.#take(await oldest.answer, rules);
        this.#work.onTokenised(this.#read, oldest.doneBytes, stream.sizeBytes);
      }
    } finally {
      await Promise.allSettled(pending.map(({ answer }) => answer));
      threads.end();
    }
    return this.#finish(found, stream, columns !== undefined);
  }

  #plan(columns: string[]): ColumnPlan {
    return planColumns(this.#options.file, columns, this.#options.map);
  }

  /** From the first rows, whose columns are nearly always those of all. */
  async #planOf(first: Block, stream: RowStream): Promise<ColumnPlan> {
    const names = new ColumnNames(() => undefined);
    for (const row of rowsOf(first)) if ('values' in row) names.add(Object.keys(row.values));
    try {
      return this.#plan('bytes' in first ? names.list : [...new Set([...stream.columns(), ...names.list])]);
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      throw new OtherColumns(await columnsOf(this.#options));
    }
  }

  #rules(plan: ColumnPlan, format: DatasetFormat, chatTemplate: string | undefined): TokenRules {
    const {
      modelDir,
      tokenizer,
      lossOn = 'completion',
      maxLength,
      controlTokens,
      vocab,
      classify,
      labels,
      answers,
    } = this.#options;
    if (classify && labels) assertClassifiable(this.#options.file, labels);
    const isPiece = format === 'text';
    const idBytes = idBytesFor(tokenizer.vocabSize);
    const { placesOnly } = this.#work;
    const asked = { lossOn, maxLength, controlTokens, vocab, classify, labels, answers };
    return { modelDir, plan, chatTemplate, ...asked, isPiece, idBytes, placesOnly };
  }

  #take({ records, rows, ...answer }: BlockAnswer, { classify, labels }: TokenRules): void {
    this.#read += answer.read;
    this.#columns.add(answer.columns);
    for (const row of answer.bad) this.#bad.add(row);
    this.#unusableCount += answer.unusable.length;
    for (const row of answer.unusable) if (this.#unusable.length < MOST_UNUSABLE) this.#unusable.push(row);
    this.#unused?.add(answer.unused);
    this.#controlTokenRows += answer.controlTokenRows;
    this.#conversations += answer.conversations;
    if (classify && !labels) this.#renumber(records, rows, answer.labels);
    const written = rows.map(({ prompt, ...row }) => {
      if (!this.#work.placesOnly) this.#fullLengths.push(row.fullLength);
      this.#tokens += row.tokens;
      this.#labelledTokens += row.labelled;
      if (row.truncated) this.#truncated++;
      const group = this.#groups.noteKey(prompt, this.#groupCount);
      if (group === this.#groupCount) this.#groupCount++;
      return { ...row, group };
    });
    this.#writer.write(records, written);
  }

  /** Classes are numbered within a stretch; here they get the numbers of the whole file. */
  #renumber(records: Uint8Array, rows: BlockAnswer['rows'], names: readonly string[]): void {
    const numbers = names.map((name) => {
      const known = this.#classes.get(name) ?? this.#classes.size;
      this.#classes.set(name, known);
      return known;
    });
    let at = 0;
    for (const { sizeBytes } of rows) {
      withClass(records.subarray(at, at + sizeBytes), (own) => numbers[own]!);
      at += sizeBytes;
    }
  }

  #finish(
    plan: ColumnPlan,
    stream: RowStream,
    isSure: boolean,
  ): { facts: TokenisedFacts; classOf: number[] | undefined } {
    const { file, maxLength, classify, labels: known } = this.#options;
    if (this.#read === 0) throw emptyDataset(file, 'has no rows');
    const columns = stream.bytes ? this.#columns.list : stream.columns();
    if (!isSure && JSON.stringify(this.#plan(columns)) !== JSON.stringify(plan)) throw new OtherColumns(columns);
    const sharedLines = stream.sharedLines();
    const badCount = this.#bad.count;
    if (this.#writer.rows === 0 && this.#unusableCount === 0)
      throw noUsableRows(file, this.#bad.kept, { sharedLines, count: badCount });
    const labels = known ? [...known] : classify ? classesOf(file, this.#classes.keys()) : undefined;
    const classOf = labels && !known ? [...this.#classes.keys()].map((name) => labels.indexOf(name)) : undefined;
    const stats = statsOf({
      fullLengths: this.#fullLengths.values().slice(),
      tokens: this.#tokens,
      labelledTokens: this.#labelledTokens,
      truncated: this.#truncated,
    });
    const facts: TokenisedFacts = {
      sha256: stream.sha256(),
      kind: plan.kind,
      maxLength,
      bad: this.#bad.kept,
      badCount,
      unusable: this.#unusable,
      unusableCount: this.#unusableCount,
      unused: this.#unused!.list(),
      controlTokenRows: this.#controlTokenRows,
      stats,
      sharedLines,
      ...(labels ? { labels } : {}),
      ...keptOf(this.#templates, this.#conversations, this.#read - badCount),
      format: stream.format,
      columns,
      notes: [...new Set([...stream.notes(), ...this.#notes])],
      sizeBytes: stream.sizeBytes,
    };
    return { facts, classOf };
  }
}

function fileRules({ format, part, noHeader }: TokeniseOptions): FileRules {
  return { format, part, noHeader };
}

/** Reads the whole file for the names of its columns. */
async function columnsOf(options: TokeniseOptions): Promise<string[]> {
  const stream = await openRows(options.file, fileRules(options));
  await readToEnd(stream.rows);
  return stream.columns();
}
