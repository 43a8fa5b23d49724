/** What answers: the base, or an adapter on it, with the tokens that end its answers. */
import type { BaseModel } from '../../basemodel/baseModel.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { SCORE } from '../../engine/model/tensorNames.ts';
import type { Adapter } from '../../methods/adapter.ts';
import { loadAdapter } from '../../methods/adapterFolder.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { KeptTemplate } from '../../../src-shared/promptTemplates.ts';
import { keptTemplate } from '../../adapters/keptTemplate.ts';
import { newEndIds } from '../endTokens.ts';

export interface Writer {
  /** Null: the plain base, or one that adapters are merged into. */
  adapter: Adapter | null;
  /** Ids that end its answers beside those that the base names. */
  endIds: readonly number[];
  /** How questions were put in its training; absent where that is not known. */
  promptTemplate?: KeptTemplate | undefined;
}

export const PLAIN_BASE: Writer = { adapter: null, endIds: [] };

/** An adapter that writes text. Throws ADAPTER_CLASSIFIES for one with a head of its own. */
export function loadWriter(
  dir: string,
  { base, tokenizer }: { base: BaseModel; tokenizer: TextTokenizer },
): Writer & { adapter: Adapter } {
  const adapter = loadAdapter(dir, base);
  if (!adapter.overrides?.has(SCORE))
    return { adapter, endIds: newEndIds([dir], tokenizer), promptTemplate: keptTemplate(dir) };
  adapter.dispose();
  throw usageError(
    'ADAPTER_CLASSIFIES',
    `The adapter in ${dir} tells labels apart and writes no text; evaluate it on a dataset with labels instead.`,
    { adapter: dir },
  );
}
