/**
 * Tries a checkpoint's tokenizer out: whether it loads, brings a sentence back unchanged, and what it knows of chats.
 */
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { toErrorData } from '../../../src-shared/errors.ts';

export type TokenizerCheck =
  | { loads: false; reason: string }
  | {
      loads: true;
      sentence: string;
      tokens: number;
      /** Whether the tokens of the sentence give the sentence again. */
      roundTrip: boolean;
      /** What they gave instead; null where it is the same. */
      decoded: string | null;
      chatTemplate: boolean;
      /** The roles that have a token, e.g. `bos: <s>`. */
      special: Record<string, string>;
      vocabSize: number;
    };

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
