/**
 * Texts with a label each, for classification: the whole text is read, nothing in it carries loss, the row has a class.
 */
import { usageError } from '../../src-shared/errors.ts';
import { withControls } from './controlTokens.ts';
import { encodeUpTo, MARGIN } from './render.ts';
import { tokenOutside } from './tokenOutside.ts';
import type { TextTokenizer } from './tokenizer.ts';
import { IGNORED, type TokenisedExample } from './types.ts';
import type { BadRow, Example } from '../../src-shared/datasets.ts';

interface LabelledOptions {
  file: string;
  tokenizer: TextTokenizer;
  /** Tokens per text; what is longer loses its end. */
  maxLength: number;
  /** Labels that are known before, e.g. those an adapter was trained on. */
  labels?: readonly string[] | undefined;
  /** Control tokens in a text are tokens, not text. */
  controlTokens?: boolean | undefined;
  /** Rows of the model's embedding; a text with a token beyond them is bad. */
  vocab?: number | undefined;
}

/**
 * The examples, the rows that cannot be used, and the labels in the order of their classes: numbers by value, names by
 * the alphabet. Throws a usage error NOT_CLASSIFIABLE where fewer than two labels are there.
 */
export function labelledTexts(
  rows: readonly Example[],
  { file, tokenizer, maxLength, labels, controlTokens = false, vocab = Infinity }: LabelledOptions,
): { examples: TokenisedExample[]; bad: BadRow[]; labels: string[]; controlTokenRows: number } {
  const own = (): Set<string> => new Set(rows.flatMap((row) => (row.segments ? (row.label ?? []) : [])));
  const known = labels ? [...labels] : sorted(own());
  assertClassifiable(file, known);
  const classOf = new Map(known.map((label, i) => [label, i]));
  const groups = new Map<string, number>();
  const examples: TokenisedExample[] = [];
  const bad: BadRow[] = [];
  let controlTokenRows = 0;
  for (const row of rows) {
    const found = labelledText(row, { tokenizer, maxLength, controlTokens, vocab });
    const label = 'bad' in found ? undefined : classOf.get(found.label);
    if (!('bad' in found) && found.controls > 0 && label !== undefined) controlTokenRows++;
    if ('bad' in found) bad.push(found.bad);
    else if (label === undefined) bad.push({ line: row.line, reason: unknownLabel(found.label, known) });
    else {
      const group = groups.get(found.text) ?? groups.size;
      groups.set(found.text, group);
      examples.push({ ...found.row, group, class: label });
    }
  }
  return { examples, bad, labels: known, controlTokenRows };
}

/** A row with its label, its class still open; or why it cannot be used. */
export function labelledText(
  { line, segments, label }: Example & { label?: string },
  { tokenizer, maxLength, controlTokens = false, vocab = Infinity }: Omit<LabelledOptions, 'file' | 'labels'>,
): { bad: BadRow } | { row: Omit<TokenisedExample, 'group' | 'class'>; label: string; text: string; controls: number } {
  const text = segments?.map((segment) => segment.text).join('');
  if (text === undefined || label === undefined) return { bad: { line, reason: 'it has no label' } };
  const { example, controls } = withControls({ line, segments: [{ text, loss: true }] }, tokenizer, controlTokens);
  const own = example.segments!.map((segment) => segment.text).join('');
  const { ids, chars } = encodeUpTo(maxLength + MARGIN, own, (part) => tokenizer.encode(part));
  const kept = Int32Array.from(ids.slice(0, maxLength));
  const outside = tokenOutside(kept, vocab, tokenizer);
  if (outside !== undefined) return { bad: { line, reason: outside } };
  const row = {
    line,
    ids: kept,
    labels: new Int32Array(kept.length).fill(IGNORED),
    labelled: 1,
    // Of a text that was cut before it was tokenised, an estimate.
    fullLength: Math.ceil((ids.length * own.length) / Math.max(1, chars)),
    truncated: ids.length > maxLength,
  };
  return { row, label, text, controls };
}

export function unknownLabel(label: string, known: readonly string[]): string {
  return `its label ${JSON.stringify(label)} is none of ${known.join(', ')}`;
}

/** The classes of a file with these labels, in their order. Throws a usage error NOT_CLASSIFIABLE for under two. */
export function classesOf(file: string, labels: Iterable<string>): string[] {
  const known = sorted(labels);
  assertClassifiable(file, known);
  return known;
}

export function assertClassifiable(file: string, known: readonly string[]): void {
  if (known.length >= 2) return;
  throw usageError(
    'NOT_CLASSIFIABLE',
    `${file} has ${known.length === 0 ? 'no labels' : `the one label ${known[0]}`}, but to classify texts ` +
      'needs a column text and a column label with two labels or more; say which column is which with --map.',
    { file, labels: known },
  );
}

function sorted(labels: Iterable<string>): string[] {
  const names = [...labels];
  const numeric = names.every((label) => Number.isFinite(Number(label)));
  return names.sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : 1));
}
