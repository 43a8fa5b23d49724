/**
 * Tokens that end an answer although the model's files do not name them: ChatML's <|im_end|> on a base whose EOS is
 * another one. What training labels last is what the model learns to stop with.
 */
import type { EndToken } from '../../src-shared/tokens.ts';
import { renderExample } from './render.ts';
import type { TextTokenizer } from './tokenizer.ts';
import { CUT_END, NO_END, type RowList } from './tokens/rowList.ts';
import { IGNORED, type TokenisedExample } from './types.ts';

type Row = Pick<TokenisedExample, 'ids' | 'labels' | 'truncated'>;

/** Special tokens that most of the rows end with, white space after them aside, and that are no EOS of the model. */
export function taughtEnds(rows: RowList, tokenizer: TextTokenizer): EndToken[] {
  const known = rows.facts?.ends;
  let whole = 0;
  const counts = new Map<number, number>();
  for (let i = 0; i < rows.length; i++) {
    const id = known ? known[i]! : endFact(rows.at(i)!, tokenizer);
    if (id === CUT_END) continue;
    whole++;
    if (id !== NO_END) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => 2 * count > whole)
    .map(([id]) => ({ id, text: tokenizer.decode([id], { skipSpecialTokens: false }) }));
}

/** What the model's chat template ends an answer with; nothing where there is no template or it writes no answer. */
export function templateEnds(tokenizer: TextTokenizer): EndToken[] {
  if (tokenizer.chatTemplate === undefined) return [];
  const messages = [
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: 'Hello' },
  ] as const;
  const row = renderExample({ line: 1, messages: [...messages] }, tokenizer, {
    lossOn: 'completion',
    maxLength: Infinity,
  });
  if ('reason' in row) return [];
  const id = endFact(row, tokenizer);
  return id < 0 ? [] : [{ id, text: tokenizer.decode([id], { skipSpecialTokens: false }) }];
}

/** endOf as it is kept of each row of a file. */
export function endFact(row: Row, tokenizer: TextTokenizer): number {
  return row.truncated ? CUT_END : (endOf(row, tokenizer) ?? NO_END);
}

/** The token that a row ends its answer with, where that is a special one and no EOS of the model. */
function endOf(
  { ids, labels }: Omit<Row, 'truncated'>,
  { specialIds, eosIds, decode }: TextTokenizer,
): number | undefined {
  for (let t = labels.findLastIndex((label) => label !== IGNORED); t > 0 && labels[t] !== IGNORED; t--) {
    const id = ids[t]!;
    if (specialIds.has(id)) return eosIds.includes(id) ? undefined : id;
    if (decode([id]).trim() !== '') return undefined;
  }
  return undefined;
}
