/** The tokens that end an answer of an adapter, beside those that its base names. */
import { readGraftInfo } from '../adapters/files.ts';
import { templateEnds } from '../datasets/endTokens.ts';
import type { TextTokenizer } from '../datasets/tokenizer.ts';
import type { EndToken } from '../../src-shared/tokens.ts';

/** As its training has recorded them; for an adapter without a record those of the base's chat template. */
function endTokensOf(adapterDir: string, tokenizer: TextTokenizer): EndToken[] {
  return readGraftInfo(adapterDir)?.endTokens ?? templateEnds(tokenizer);
}

/** Ids that the base's own files do not name as ends. */
export function newEndIds(adapterDirs: string[], tokenizer: TextTokenizer): number[] {
  const ids = adapterDirs.flatMap((dir) => endTokensOf(dir, tokenizer)).map(({ id }) => id);
  return [...new Set(ids)].filter((id) => !tokenizer.eosIds.includes(id));
}
