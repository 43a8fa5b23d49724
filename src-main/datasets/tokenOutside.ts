/** Tokens that the tokenizer of a model knows and its embedding has no row for. */
import type { TextTokenizer } from './tokenizer.ts';

/** Why a model with `vocab` rows in its embedding cannot read these ids; undefined where it can. */
export function tokenOutside(
  ids: Int32Array,
  vocab: number,
  tokenizer: Pick<TextTokenizer, 'decode'>,
): string | undefined {
  const id = ids.find((one) => one >= vocab);
  if (id === undefined) return undefined;
  const text = tokenizer.decode([id], { skipSpecialTokens: false });
  return (
    `its token ${id} (${text}) is outside the embedding of the model, which has ${vocab} rows: leave it out, or use ` +
    'a tokenizer and weights of the same checkpoint'
  );
}
