/** From a file to tokenised examples that a run can train on, with every row that cannot be used and why. */
import { setImmediate } from 'node:timers/promises';
import { GraftError } from '../../src-shared/errors.ts';
import { counted } from '../../src-shared/plural.ts';
import { planColumns } from './columns.ts';
import { toExample } from './examples.ts';
import { promptOf } from './groups.ts';
import { labelledTexts } from './labelledTexts.ts';
import { TimeSlice } from './timeSlice.ts';
import { readDataset } from './read.ts';
import { keptOf, templated, type TemplateChoice, type Templated } from './promptTemplates.ts';
import { tokeniseExample, type Answers } from './tokeniseExample.ts';
import { lengthStats } from './lengthStats.ts';
import { UnusedFields } from './unusedFields.ts';
import type { KeptTemplate } from '../../src-shared/promptTemplates.ts';
import type { LengthStats } from '../../src-shared/tokens.ts';
import type { RowList } from './tokens/rowList.ts';
import type { TextTokenizer } from './tokenizer.ts';
import type { ReadResult, TokenisedExample } from './types.ts';
import {
  describeBadRow,
  type BadRow,
  type ColumnMap,
  type DatasetFormat,
  type DatasetKind,
  type Example,
  type LossOn,
  type UnusedField,
} from '../../src-shared/datasets.ts';

/** Rows tokenised before other work of the process gets its turn. */
const SLICE = 32;

export interface PrepareOptions extends TemplateChoice {
  file: string;
  format?: DatasetFormat | undefined;
  part?: string | undefined;
  noHeader?: boolean | undefined;
  map?: ColumnMap;
  lossOn?: LossOn;
  /** Tokens per example, at least 2. */
  maxLength: number;
  tokenizer: TextTokenizer;
  /** Rows of the model's embedding: a row with a token beyond them is bad. Absent: no model is to read it. */
  vocab?: number | undefined;
  /** Each row is a text with a label, to be classified. */
  classify?: boolean;
  /** Its labels, where they are known before; else they are those of the file. */
  labels?: readonly string[] | undefined;
  /** Control tokens in the text of rows are tokens, not text. */
  controlTokens?: boolean | undefined;
  /** Rows are answers to choose between: each of a pair, or each that is marked; absent: good answers to learn. */
  answers?: Answers | undefined;
}

export interface PreparedDataset<Rows extends RowList = TokenisedExample[]> {
  file: string;
  sha256: string;
  kind: DatasetKind;
  maxLength: number;
  /** Rows that can be trained on, in file order. */
  examples: Rows;
  /** Rows that could not be read or are not what their columns promise, in file order. */
  bad: BadRow[];
  /** Good rows of which no labelled token is left after truncation. */
  unusable: BadRow[];
  /** How many there are of both, where only the first are listed. */
  badCount?: number;
  unusableCount?: number;
  /** What the rows say and training does not use. */
  unused: UnusedField[];
  /** Rows whose text spells out control tokens of the model. */
  controlTokenRows: number;
  stats: LengthStats;
  /** Rows have no lines of their own, so that `line` is a row's number. */
  sharedLines: boolean;
  /** The classes of `classify`, in the order of their indices. */
  labels?: string[];
  /** The prompt template of the rows, where one was chosen. */
  promptTemplate?: KeptTemplate;
}

/** Rows of a file as examples, before tokens. */
export interface ExampleSet extends Pick<Templated, 'kept' | 'conversational'> {
  read: ReadResult;
  kind: DatasetKind;
  examples: Example[];
  bad: BadRow[];
  unused: UnusedField[];
  /** The given one, under the rows' prompt template. */
  tokenizer: TextTokenizer | undefined;
}

/**
 * Reads a file and interprets its columns.
 * Throws what readDataset and planColumns throw, and DATASET_NO_USABLE_ROWS when every single row is bad.
 */
export async function readExamples(
  options: Pick<PrepareOptions, 'file' | 'format' | 'part' | 'noHeader' | 'map' | 'classify'> & TemplateChoice,
  own?: TextTokenizer,
): Promise<ExampleSet> {
  const read = await readDataset(options.file, options);
  if (read.rows.length === 0) throw noUsableRows(options.file, read.bad, read);
  const found = planColumns(options.file, read.columns, options.map);
  const { plan, tokenizer, ...kept }: Omit<Templated, 'tokenizer'> & { tokenizer: TextTokenizer | undefined } =
    own && !options.classify ? templated(found, own, options) : { plan: found, tokenizer: own };
  const examples: Example[] = [];
  const bad: BadRow[] = [...read.bad];
  const unused = new UnusedFields(plan, {
    chatTemplate: tokenizer?.chatTemplate,
    classifies: options.classify ?? false,
  });
  const slice = new TimeSlice();
  for (const row of read.rows) {
    const example = toExample(row, plan);
    if ('reason' in example) bad.push(example);
    else {
      examples.push(example);
      unused.note(row, example);
    }
    if (slice.isOver()) await slice.pause();
  }
  bad.sort((a, b) => a.line - b.line);
  if (examples.length === 0) throw noUsableRows(options.file, bad, read);
  return { read, kind: plan.kind, examples, bad, unused: unused.list(), tokenizer, ...kept };
}

/** Reads, checks and tokenises a dataset. Throws what readExamples throws, with `classify` also NOT_CLASSIFIABLE. */
export async function prepareDataset(options: PrepareOptions): Promise<PreparedDataset> {
  const set = await readExamples(options, options.tokenizer);
  if (options.classify) return classified(set, options);
  const { tokenizer = options.tokenizer, examples } = set;
  const conversations = examples.filter(({ messages }) => messages).length;
  const rows = await tokeniseExamples(set, { ...options, tokenizer });
  return { ...rows, ...keptOf(set, conversations, examples.length) };
}

function classified(set: ExampleSet, options: PrepareOptions): PreparedDataset {
  const { examples, bad, labels, controlTokenRows } = labelledTexts(set.examples, options);
  const { file, sha256 } = set.read;
  const all = [...set.bad, ...bad].sort((a, b) => a.line - b.line);
  return {
    file,
    sha256,
    kind: set.kind,
    maxLength: options.maxLength,
    examples,
    bad: all,
    unusable: [],
    unused: set.unused,
    controlTokenRows,
    stats: lengthStats(examples),
    sharedLines: set.read.sharedLines,
    labels,
  };
}

/** Tokenises examples that were already read, in slices, so that the process stays responsive. */
export async function tokeniseExamples(
  set: ExampleSet,
  {
    tokenizer,
    lossOn = 'completion',
    maxLength,
    controlTokens,
    vocab,
    answers,
  }: Omit<PrepareOptions, 'file' | 'format' | 'map'>,
): Promise<PreparedDataset> {
  const examples: TokenisedExample[] = [];
  const bad = [...set.bad];
  const unusable: BadRow[] = [];
  const groups = new Map<string, number>();
  const rules = { lossOn, controlTokens, vocab, answers };
  let controlTokenRows = 0;
  const isPiece = set.read.format === 'text';
  for (const [i, example] of set.examples.entries()) {
    if (i % SLICE === SLICE - 1) await setImmediate();
    const found = tokeniseExample(example, { tokenizer, ...rules, maxLength, isPiece });
    if ('bad' in found) {
      bad.push(found.bad);
      continue;
    }
    if (found.controls > 0) controlTokenRows++;
    if ('unusable' in found) unusable.push(found.unusable);
    else {
      const group = groupOf(example, groups);
      for (const row of found.rows) examples.push({ ...row, group });
    }
  }
  bad.sort((a, b) => a.line - b.line);
  const { file, sha256, sharedLines } = set.read;
  const stats = lengthStats(examples);
  const { kind, unused } = set;
  const rows = { examples, bad, unusable, unused, controlTokenRows };
  return { file, sha256, kind, maxLength, ...rows, stats, sharedLines };
}

interface TrainableOptions {
  allowBadRows?: boolean;
  /** Lines whose rows are not trained on; absent where none can be left out. */
  excluded?: readonly number[] | undefined;
  /** Most tokens of a row that the model takes. */
  modelLength?: number;
}

/**
 * Throws GraftError when a run must not start: DATASET_NO_LABELS when a row has no labelled token after truncation,
 * DATASET_NO_USABLE_ROWS when nothing is left, DATASET_BAD_ROWS when there are bad rows and they were not allowed.
 */
export function assertTrainable(
  prepared: PreparedDataset<RowList>,
  { allowBadRows = true, excluded, modelLength = Infinity }: TrainableOptions = {},
): void {
  const { file, bad, badCount = bad.length, examples, maxLength, sharedLines } = prepared;
  const leftOut = new Set(excluded);
  const unusable = prepared.unusable.filter(({ line }) => !leftOut.has(line));
  const unusableCount =
    (prepared.unusableCount ?? prepared.unusable.length) - (prepared.unusable.length - unusable.length);
  if (unusableCount > 0) {
    const isModels = maxLength >= modelLength;
    const limit = isModels
      ? `within the ${counted(maxLength, 'token')} that this model sees at most`
      : `at a maximum length of ${counted(maxLength, 'token')}`;
    const leave = excluded ? 'leave these rows out (--exclude-lines)' : 'drop these rows';
    const next = isModels ? `shorten or ${leave}` : `raise --max-length or ${leave}`;
    throw new GraftError(
      'DATASET_NO_LABELS',
      `${counted(unusableCount, 'row')} of ${file} would have no token to learn from ${limit} ` +
        `(${listRows(unusable, sharedLines, unusableCount)}); ${next}.`,
      { file, maxLength, rows: unusable, ...(modelLength < Infinity ? { modelLength } : {}) },
    );
  }
  if (!allowBadRows && badCount > 0) {
    throw new GraftError(
      'DATASET_BAD_ROWS',
      `${counted(badCount, 'row')} of ${file} cannot be used (${listRows(bad, sharedLines, badCount)}); ` +
        'correct them, or allow the run to go on without them.',
      { file, rows: bad },
    );
  }
  if (examples.length === 0) throw noUsableRows(file, bad, { sharedLines, count: badCount });
}

/** No row of a file can be used. `count`: of all bad rows, where `bad` are the first of them. */
export function noUsableRows(
  file: string,
  bad: readonly BadRow[],
  { sharedLines = false, count = bad.length } = {},
): GraftError {
  return new GraftError(
    'DATASET_NO_USABLE_ROWS',
    `No row of ${file} can be used (${listRows(bad, sharedLines, count)}); correct the file and try again.`,
    { file, rows: bad },
  );
}

/** `2 bad rows (line 2: …; line 7: …)`. */
export function badRowsText({
  bad,
  badCount = bad.length,
  sharedLines,
}: Pick<PreparedDataset, 'bad' | 'badCount' | 'sharedLines'>): string {
  return `${counted(badCount, 'bad row')} (${listRows(bad, sharedLines, badCount)})`;
}

/** The first ten rows with their reasons. */
function listRows(rows: readonly BadRow[], sharedLines: boolean, count = rows.length): string {
  const shown = rows
    .slice(0, 10)
    .map((row) => describeBadRow(row, sharedLines))
    .join('; ');
  if (rows.length === 0 && count > 0) return 'found in a sample of its rows';
  return count > 10 ? `${shown}; and ${count - 10} more` : shown;
}

/** A number per distinct prompt, from 0. `groups` are the numbers given so far. */
function groupOf(example: Example, groups: Map<string, number>): number {
  const key = promptOf(example);
  const known = groups.get(key);
  if (known !== undefined) return known;
  groups.set(key, groups.size);
  return groups.size - 1;
}
