/**
 * Tries a model's tokenizer out: whether it loads, brings a sentence back unchanged, and what it knows of chats.
 */
import type { TokenizerCheck } from '../../../src-shared/tokens.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { toErrorData } from '../../../src-shared/errors.ts';

const SENTENCE = 'The cat sat on 12 mats, didn’t it?';

/** Never throws for what is wrong with the tokenizer: that is the answer. */
export async function checkTokenizer(modelDir: string): Promise<TokenizerCheck> {
  try {
    const { encode, decode, chatTemplate, specialText, vocabSize } = loadTokenizer(modelDir);
    const ids = encode(SENTENCE, { addSpecialTokens: false });
    const decoded = decode(ids);
    const roundTrip = decoded.trimStart() === SENTENCE;
    const special = Object.fromEntries(Object.entries(specialText).filter(([, text]) => text !== ''));
    return {
      loads: true,
      sentence: SENTENCE,
      tokens: ids.length,
      roundTrip,
      decoded: roundTrip ? null : decoded,
      chatTemplate: chatTemplate !== undefined,
      special,
      vocabSize,
    };
  } catch (error) {
    return { loads: false, reason: toErrorData(error).message };
  }
}
