/** Likelihoods of tokens as OpenAI's two kinds of answers have them. */
import type { TokenProbability } from '../../../src-shared/generation.ts';

/** What a probability of 0 is written as, since JSON has no minus infinity. */
const LOG_OF_NOTHING = -9999;

export interface ChatLogprob {
  token: string;
  logprob: number;
  bytes: number[];
  top_logprobs: { token: string; logprob: number; bytes: number[] }[];
}

export interface CompletionLogprobs {
  tokens: string[];
  token_logprobs: number[];
  top_logprobs: Record<string, number>[] | null;
  /** Where each token begins in the text, counted from the beginning of the answer. */
  text_offset: number[];
}

/** `named`: how many of the likeliest are wanted. */
export function chatLogprobs(tokens: TokenProbability[], named: number): { content: ChatLogprob[]; refusal: null } {
  const one = (token: string, p: number) => ({ token, logprob: logOf(p), bytes: [...Buffer.from(token, 'utf8')] });
  return {
    content: tokens.map(({ text, p, top }) => ({
      ...one(text, p),
      top_logprobs: top.slice(0, named).map((likely) => one(likely.text, likely.p)),
    })),
    refusal: null,
  };
}

/** `offset`: characters of the answer before the first of these tokens. */
export function completionLogprobs(tokens: TokenProbability[], named: number, offset: number): CompletionLogprobs {
  let at = offset;
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ p }) => logOf(p)),
    top_logprobs: named === 0 ? null : tokens.map(({ top }) => likeliest(top.slice(0, named))),
    text_offset: tokens.map(({ text }) => (at += text.length) - text.length),
  };
}

/** Two tokens may be written alike; the likelier one, which comes first, stands for both. */
function likeliest(top: TokenProbability['top']): Record<string, number> {
  return Object.fromEntries(top.toReversed().map(({ text, p }) => [text, logOf(p)]));
}

function logOf(p: number): number {
  return p > 0 ? Math.max(LOG_OF_NOTHING, Math.log(p)) : LOG_OF_NOTHING;
}
