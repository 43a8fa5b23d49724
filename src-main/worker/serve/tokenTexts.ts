/** The tokens of an answer with the text that each of them gave, released once the reader has seen that text. */
import { createTextStream } from '../../datasets/textStream.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import type { TokenLikelihood } from '../../engine/generate/generate.ts';
import type { TokenProbability } from '../../../src-shared/generation.ts';

/** How many of the likeliest tokens are named beside each new one. */
export const NAMED = 5;
/** Ids before a token that are enough to know how it is written there. */
const CONTEXT = 8;

/** The text that `id` would add after `before`; a token without text of its own is shown by its name. */
function textAfter(tokenizer: TextTokenizer, before: ArrayLike<number>, id: number): string {
  return createTextStream(tokenizer, before).push(id) || tokenizer.decode([id], { skipSpecialTokens: false });
}

export class TokenTexts {
  private readonly tokenizer: TextTokenizer;
  private before: number[];
  private readonly waiting: TokenProbability[] = [];
  /** Characters of the text whose tokens have been released. */
  private released = 0;

  constructor(tokenizer: TextTokenizer, prompt: number[]) {
    this.tokenizer = tokenizer;
    this.before = prompt.slice(-CONTEXT);
  }

  /** `text`: what the token completed. */
  push(id: number, text: string, { p, top }: TokenLikelihood): void {
    this.waiting.push({
      text,
      id,
      p,
      top: top.map((one) => ({ text: textAfter(this.tokenizer, this.before, one.id), p: one.p })),
    });
    this.before = [...this.before, id].slice(-CONTEXT);
  }

  /**
   * The tokens that lie within the first `shown` characters of the answer; half characters wait for what completes
   * them.
   */
  release(shown: number): TokenProbability[] {
    let count = 0;
    let length = this.released;
    for (const [i, { text }] of this.waiting.entries()) {
      length += text.length;
      if (length > shown) break;
      if (text !== '') count = i + 1;
    }
    const ready = this.waiting.splice(0, count);
    this.released += ready.reduce((sum, { text }) => sum + text.length, 0);
    return ready;
  }

  /**
   * The rest at the end of `answer`: its last characters go to the token that began them, and what a stop text took is
   * left out.
   */
  end(answer: string): TokenProbability[] {
    const ready = this.release(answer.length);
    const tail = answer.slice(this.released);
    const rest = this.waiting.map((token, i) => ({ ...token, text: i === 0 ? tail : '' }));
    return [...ready, ...rest.filter(({ text }, i) => text !== '' || this.waiting[i]!.text === '')];
  }
}
