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
  const known = labels
    ? [...labels]
    : sorted(new Set(rows.flatMap((row) => row.segments && (row.label ?? []))).values());
  if (known.length < 2) {
    throw usageError(
      'NOT_CLASSIFIABLE',
      `${file} has ${known.length === 0 ? 'no labels' : `the one label ${known[0]}`}, but to classify texts ` +
        'needs a column text and a column label with two labels or more; say which column is which with --map.',
      { file, labels: known },
    );
  }
  const classOf = new Map(known.map((label, i) => [label, i]));
  const groups = new Map<string, number>();
  const examples: TokenisedExample[] = [];
  const bad: BadRow[] = [];
  let controlTokenRows = 0;
  for (const { line, segments, label } of rows.map((row) => (row.segments ? row : { ...row, label: undefined }))) {
    const text = segments?.map((segment) => segment.text).join('');
    const found = label === undefined ? undefined : classOf.get(label);
    if (text === undefined || label === undefined) bad.push({ line, reason: 'it has no label' });
    else if (found === undefined)
      bad.push({ line, reason: `its label ${JSON.stringify(label)} is none of ${known.join(', ')}` });
    else {
      const { example, controls } = withControls({ line, segments: [{ text, loss: true }] }, tokenizer, controlTokens);
      if (controls > 0) controlTokenRows++;
      const own = example.segments!.map((segment) => segment.text).join('');
      const { ids, chars } = encodeUpTo(maxLength + MARGIN, own, (part) => tokenizer.encode(part));
      const kept = Int32Array.from(ids.slice(0, maxLength));
      const outside = tokenOutside(kept, vocab, tokenizer);
      if (outside !== undefined) {
        bad.push({ line, reason: outside });
        continue;
      }
      const group = groups.get(text) ?? groups.size;
      groups.set(text, group);
      examples.push({
        line,
        ids: kept,
        labels: new Int32Array(kept.length).fill(IGNORED),
        labelled: 1,
        // Of a text that was cut before it was tokenised, an estimate.
        fullLength: Math.ceil((ids.length * own.length) / Math.max(1, chars)),
        truncated: ids.length > maxLength,
        group,
        class: found,
      });
    }
  }
  return { examples, bad, labels: known, controlTokenRows };
}

function sorted(labels: Iterable<string | undefined>): string[] {
  const names = [...labels].filter((label) => label !== undefined);
  const numeric = names.every((label) => Number.isFinite(Number(label)));
  return names.sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : 1));
}
