/**
 * A row token by token as a run will see it: made by the trainer's own functions, with what they decided about each
 * token.
 */
import type { PreviewedRow, PreviewedTokens, PreviewToken } from '../../src-shared/tokens.ts';
import { renderExample, type RenderOptions } from './render.ts';
import { createTextStream } from './textStream.ts';
import type { TextTokenizer } from './tokenizer.ts';
import { IGNORED } from './types.ts';
import type { Example, RowContent } from '../../src-shared/datasets.ts';

/** Shown of one row at most: a page with more would be slow and unread. */
const MOST_TOKENS = 4096;

/** Every token of the row, those beyond `maxLength` included; or why the model cannot take it. */
export function previewTokens(
  example: Example,
  tokenizer: TextTokenizer,
  options: RenderOptions,
): PreviewedRow | { line: number; reason: string } {
  const { line, rejected } = example;
  const own = tokensOf(example, tokenizer, options);
  if ('reason' in own) return { line, reason: own.reason };
  if (!rejected) return { line, ...own };
  const other = tokensOf({ line, ...rejected }, tokenizer, options);
  return 'reason' in other ? { line, reason: other.reason } : { line, ...own, rejected: other };
}

function tokensOf(
  example: RowContent & { line: number },
  tokenizer: TextTokenizer,
  options: RenderOptions,
): PreviewedTokens | { reason: string } {
  // Prompt and answer are told apart by where the loss would be if it were on answers only.
  const { controlTokens } = options;
  const whole = renderExample(example, tokenizer, { lossOn: 'completion', maxLength: Infinity, controlTokens });
  if ('reason' in whole) return whole;
  const seen = renderExample(example, tokenizer, options);
  if ('reason' in seen) return seen;
  const isPlainText = example.segments !== undefined && example.segments.every((segment) => segment.loss);
  const stream = createTextStream(tokenizer);
  const tokens = [...whole.ids.subarray(0, MOST_TOKENS)].map((id, t): PreviewToken => {
    const isSpecial = tokenizer.specialIds.has(id);
    const isAnswer = isPlainText || whole.labels[t] !== IGNORED;
    return {
      id,
      text: isSpecial ? tokenizer.decode([id], { skipSpecialTokens: false }) : stream.push(id),
      kind: isSpecial ? 'special' : isAnswer ? 'completion' : 'prompt',
      loss: t < seen.labels.length && seen.labels[t] !== IGNORED,
      truncated: t >= seen.ids.length,
    };
  });
  return { tokens, length: whole.ids.length, labelled: seen.labelled };
}
