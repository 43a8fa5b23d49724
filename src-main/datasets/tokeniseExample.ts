/** One example as the rows of a run, or why it is none. */
import { counted } from '../../src-shared/plural.ts';
import type { BadRow, Example } from '../../src-shared/datasets.ts';
import { renderExample, type RenderedExample, type RenderOptions } from './render.ts';
import type { TextTokenizer } from './tokenizer.ts';
import { IGNORED, type TokenisedExample } from './types.ts';

/** Which answers of a row become rows: both of a pair, or single ones with their marks; absent: good ones only. */
export type Answers = 'pairs' | 'marked';

interface TokeniseRules extends RenderOptions {
  tokenizer: TextTokenizer;
  /** Texts that are too long for a row become several. */
  isPiece: boolean;
  answers?: Answers | undefined;
}

/** What a row comes to: the rows of a run, but for their group, or why there is none. */
export type TokenisedRow =
  | { bad: BadRow }
  | { unusable: BadRow; controls: number }
  | { rows: Omit<TokenisedExample, 'group'>[]; controls: number };

export function tokeniseExample(example: Example, { answers, ...rules }: TokeniseRules): TokenisedRow {
  if (answers) return tokeniseAnswers(example, { answers, ...rules });
  if (example.good === false)
    return {
      bad: {
        line: example.line,
        reason: 'its mark says that the answer is a bad one, which an objective such as KTO would turn away from',
      },
    };
  return tokeniseOne(example, rules);
}

function tokeniseOne(
  example: Example,
  { tokenizer, isPiece, maxLength, ...rules }: Omit<TokeniseRules, 'answers'>,
): TokenisedRow {
  const { line } = example;
  const row = renderExample(example, tokenizer, { ...rules, maxLength: isPiece ? Infinity : maxLength });
  if ('reason' in row) return { bad: { line, reason: row.reason } };
  const { controls } = row;
  if (row.labelled === 0) return { unusable: { line, reason: whyUnlabelled(row, maxLength) }, controls };
  const { ids, labels, labelled, fullLength, truncated } = row;
  const rows = isPiece
    ? inPieces({ line, ids, labels }, tokenizer, maxLength)
    : [{ line, ids, labels, labelled, fullLength, truncated }];
  return { rows, controls };
}

/** The chosen answer and the rejected one, one after the other, or the one that is marked; class 1 is a good one. */
function tokeniseAnswers(
  { rejected, good, ...example }: Example,
  { answers, ...rules }: TokeniseRules & { answers: Answers },
): TokenisedRow {
  const { line } = example;
  if (!rejected && answers === 'pairs') return { bad: { line, reason: 'it has no pair of answers to choose from' } };
  if (!rejected && good === undefined)
    return { bad: { line, reason: 'it has no mark that says whether its answer is a good one' } };
  const wanted: [Example, number][] = rejected
    ? [
        [example, 1],
        [{ line, ...rejected }, 0],
      ]
    : [[example, good ? 1 : 0]];
  const rows: Omit<TokenisedExample, 'group'>[] = [];
  let controls = 0;
  for (const [one, kind] of wanted) {
    const found = tokeniseOne(one, rules);
    if (!('rows' in found)) return found;
    controls += found.controls;
    for (const row of found.rows) rows.push({ ...row, class: kind });
  }
  if (rejected && rows[0]!.ids.join() === rows[1]!.ids.join())
    return { unusable: { line, reason: `its answers part beyond max length ${rules.maxLength}` }, controls };
  return { rows, controls };
}

function whyUnlabelled({ promptTokens, fullLength, estimated }: RenderedExample, maxLength: number): string {
  if (promptTokens === fullLength) return 'it has no token that could be predicted from an earlier one';
  const length = `${estimated ? 'about ' : ''}${counted(promptTokens, 'token')}`;
  return `the prompt alone fills max length ${maxLength}: ${length}`;
}

/** A text that is longer than a row may be, as several rows: of a document to be learnt nothing is cut off. */
function inPieces(
  { ids, ...row }: Pick<TokenisedExample, 'line' | 'ids' | 'labels'>,
  tokenizer: TextTokenizer,
  maxLength: number,
): Omit<TokenisedExample, 'group'>[] {
  const frame = tokenizer.encodePrompt('');
  const pieces: Omit<TokenisedExample, 'group'>[] = [];
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
