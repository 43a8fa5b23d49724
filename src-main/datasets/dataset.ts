/** From a file to tokenised examples that a run can train on, with every row that cannot be used and why. */
import { setImmediate } from 'node:timers/promises';
import { GraftError } from '../../src-shared/errors.ts';
import { counted } from '../../src-shared/plural.ts';
import { planColumns } from './columns.ts';
import { toExample } from './examples.ts';
import { labelledTexts } from './labelledTexts.ts';
import { TimeSlice } from './timeSlice.ts';
import { readDataset } from './read.ts';
import { renderExample, type RenderedExample } from './render.ts';
import { lengthStats } from './lengthStats.ts';
import { UnusedFields } from './unusedFields.ts';
import type { LengthStats } from '../../src-shared/tokens.ts';
import type { TextTokenizer } from './tokenizer.ts';
import { IGNORED, type ReadResult, type TokenisedExample } from './types.ts';
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

export interface PrepareOptions {
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
}

export interface PreparedDataset {
  file: string;
  sha256: string;
  kind: DatasetKind;
  maxLength: number;
  /** Rows that can be trained on, in file order. */
  examples: TokenisedExample[];
  /** Rows that could not be read or are not what their columns promise, in file order. */
  bad: BadRow[];
  /** Good rows of which no labelled token is left after truncation. */
  unusable: BadRow[];
  /** What the rows say and training does not use. */
  unused: UnusedField[];
  /** Rows whose text spells out control tokens of the model. */
  controlTokenRows: number;
  stats: LengthStats;
  /** Rows have no lines of their own, so that `line` is a row's number. */
  sharedLines: boolean;
  /** The classes of `classify`, in the order of their indices. */
  labels?: string[];
}

/** Rows of a file as examples, before tokens. */
export interface ExampleSet {
  read: ReadResult;
  kind: DatasetKind;
  examples: Example[];
  bad: BadRow[];
  unused: UnusedField[];
}

/**
 * Reads a file and interprets its columns.
 * Throws what readDataset and planColumns throw, and DATASET_NO_USABLE_ROWS when every single row is bad.
 */
export async function readExamples(
  options: Pick<PrepareOptions, 'file' | 'format' | 'part' | 'noHeader' | 'map' | 'classify'>,
  chatTemplate?: string,
): Promise<ExampleSet> {
  const read = await readDataset(options.file, options);
  if (read.rows.length === 0) throw noUsableRows(options.file, read.bad, read);
  const plan = planColumns(options.file, read.columns, options.map);
  const examples: Example[] = [];
  const bad: BadRow[] = [...read.bad];
  const unused = new UnusedFields(plan, { chatTemplate, classifies: options.classify ?? false });
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
  return { read, kind: plan.kind, examples, bad, unused: unused.list() };
}

/** Reads, checks and tokenises a dataset. Throws what readExamples throws, with `classify` also NOT_CLASSIFIABLE. */
export async function prepareDataset(options: PrepareOptions): Promise<PreparedDataset> {
  const set = await readExamples(options, options.tokenizer.chatTemplate);
  return options.classify ? classified(set, options) : tokeniseExamples(set, options);
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
  }: Omit<PrepareOptions, 'file' | 'format' | 'map'>,
): Promise<PreparedDataset> {
  const examples: TokenisedExample[] = [];
  const bad = [...set.bad];
  const unusable: BadRow[] = [];
  const groups = new Map<string, number>();
  const rules = { lossOn, controlTokens, vocab };
  let controlTokenRows = 0;
  for (const [i, example] of set.examples.entries()) {
    if (i % SLICE === SLICE - 1) await setImmediate();
    const { line } = example;
    const isPiece = set.read.format === 'text';
    const row = renderExample(example, tokenizer, { ...rules, maxLength: isPiece ? Infinity : maxLength });
    if (!('reason' in row) && row.controls > 0) controlTokenRows++;
    if ('reason' in row) bad.push({ line, reason: row.reason });
    else if (row.labelled === 0) unusable.push({ line, reason: whyUnlabelled(row, maxLength) });
    else {
      const { ids, labels, labelled, fullLength, truncated } = row;
      const group = groupOf(example, groups);
      if (isPiece) examples.push(...inPieces({ line, ids, labels, group }, tokenizer, maxLength));
      else examples.push({ line, ids, labels, labelled, fullLength, truncated, group });
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
  prepared: PreparedDataset,
  { allowBadRows = true, excluded, modelLength = Infinity }: TrainableOptions = {},
): void {
  const { file, bad, examples, maxLength, sharedLines } = prepared;
  const leftOut = new Set(excluded);
  const unusable = prepared.unusable.filter(({ line }) => !leftOut.has(line));
  if (unusable.length > 0) {
    const isModels = maxLength >= modelLength;
    const limit = isModels
      ? `within the ${counted(maxLength, 'token')} that this model sees at most`
      : `at a maximum length of ${counted(maxLength, 'token')}`;
    const leave = excluded ? 'leave these rows out (--exclude-lines)' : 'drop these rows';
    const next = isModels ? `shorten or ${leave}` : `raise --max-length or ${leave}`;
    throw new GraftError(
      'DATASET_NO_LABELS',
      `${counted(unusable.length, 'row')} of ${file} would have no token to learn from ${limit} ` +
        `(${listRows(unusable, sharedLines)}); ${next}.`,
      { file, maxLength, rows: unusable, ...(modelLength < Infinity ? { modelLength } : {}) },
    );
  }
  if (!allowBadRows && bad.length > 0) {
    throw new GraftError(
      'DATASET_BAD_ROWS',
      `${counted(bad.length, 'row')} of ${file} cannot be used (${listRows(bad, sharedLines)}); correct them, or ` +
        'allow the run to go on without them.',
      { file, rows: bad },
    );
  }
  if (examples.length === 0) throw noUsableRows(file, bad, { sharedLines });
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
export function badRowsText({ bad, sharedLines }: Pick<PreparedDataset, 'bad' | 'sharedLines'>): string {
  return `${counted(bad.length, 'bad row')} (${listRows(bad, sharedLines)})`;
}

/** The first ten rows with their reasons. */
function listRows(rows: readonly BadRow[], sharedLines: boolean, count = rows.length): string {
  const shown = rows
    .slice(0, 10)
    .map((row) => describeBadRow(row, sharedLines))
    .join('; ');
  return count > 10 ? `${shown}; and ${count - 10} more` : shown;
}

function whyUnlabelled({ promptTokens, fullLength, estimated }: RenderedExample, maxLength: number): string {
  if (promptTokens === fullLength) return 'it has no token that could be predicted from an earlier one';
  const length = `${estimated ? 'about ' : ''}${counted(promptTokens, 'token')}`;
  return `the prompt alone fills max length ${maxLength}: ${length}`;
}

/** A text that is longer than a row may be, as several rows: of a document to be learnt nothing is cut off. */
function inPieces(
  { ids, ...row }: Pick<TokenisedExample, 'line' | 'ids' | 'labels' | 'group'>,
  tokenizer: TextTokenizer,
  maxLength: number,
): TokenisedExample[] {
  const frame = tokenizer.encodePrompt('');
  const pieces: TokenisedExample[] = [];
  for (let from = 0; from < ids.length;) {
    const before = from === 0 ? [] : frame;
    const own = ids.subarray(from, from + Math.max(1, maxLength - before.length));
    from += own.length;
    // What follows a single token would be learnt from nothing.
    if (own.length + before.length < 2) continue;
    const whole = Int32Array.from([...before, ...own]);
    const labels = whole.map((id, t) => (t > 0 && t >= before.length ? id : IGNORED));
    const labelled = labels.reduce((sum, label) => sum + (label === IGNORED ? 0 : 1), 0);
    pieces.push({ ...row, ids: whole, labels, labelled, fullLength: whole.length, truncated: false });
  }
  return pieces;
}

/** A number per distinct prompt, from 0. `groups` are the numbers given so far. */
function groupOf(example: Example, groups: Map<string, number>): number {
  const key = promptOf(example);
  const known = groups.get(key);
  if (known !== undefined) return known;
  groups.set(key, groups.size);
  return groups.size - 1;
}

/** What examples of the same group have in common; a text without a prompt counts as a whole. */
export function promptOf({ segments, messages, tools }: Example): string {
  if (segments) return (segments.find((segment) => !segment.loss) ?? segments[0])?.text ?? '';
  const answer = messages.findIndex((message) => message.role === 'assistant' && message.train !== false);
  const asked = messages.slice(0, answer);
  return JSON.stringify(tools ? [tools, asked] : asked);
}
