/**
 * Turns generated ids into text piece by piece. A token can be half a character (byte-level BPE, byte fallback), and
 * SentencePiece drops the space of the first token; so ids are decoded together with the few before them.
 */
import type { TextTokenizer } from './tokenizer.ts';

export interface TextStream {
  /** The text that `id` completes; empty while a character is unfinished. */
  push(id: number): string;
  /** Whatever is left, an unfinished character as U+FFFD. */
  end(): string;
}

/** Ids of the prompt that are enough to know how the text goes on. */
const CONTEXT = 8;
const REPLACEMENT = '\uFFFD';

/**
 * `promptIds`: what the generation continues, so that a word's leading space is kept. Without it the text is decoded
 * as the beginning of a text. Special tokens give no text.
 */
export function createTextStream(tokenizer: TextTokenizer, promptIds: ArrayLike<number> = []): TextStream {
  let context = Array.from(promptIds).slice(-CONTEXT);
  let pending: number[] = [];

  const take = (whole: boolean): string => {
    const before = tokenizer.decode(context);
    const text = tokenizer.decode([...context, ...pending]);
    if (!whole && text.endsWith(REPLACEMENT)) return '';
    // What was told stays context for what comes; special tokens have no text and would hide the beginning.
    if (text.length > before.length) context = pending;
    else context = [...context, ...pending].slice(-CONTEXT);
    pending = [];
    return text.slice(before.length);
  };

  return {
    push(id) {
      pending.push(id);
      return take(false);
    },
    end: () => (pending.length === 0 ? '' : take(true)),
  };
}
