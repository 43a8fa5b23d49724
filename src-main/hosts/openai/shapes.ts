/** Answers in the two shapes of OpenAI's API, whole and in chunks. */
import { randomBytes } from 'node:crypto';
import type { GenerateResult, TokenProbability } from '../../../src-shared/generation.ts';
import { chatLogprobs, completionLogprobs } from './logprobs.ts';

/** A piece of an answer, or, with `reason`, its end. */
interface Piece {
  index: number;
  text: string;
  tokens: TokenProbability[] | undefined;
  /** Characters of the answer before this piece's tokens. */
  offset: number;
  reason: 'stop' | 'length' | null;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** How one kind of request is answered. */
export interface Shape {
  /** `model` as the request names it; `named`: how many of the likeliest tokens are told. */
  whole(model: string, results: GenerateResult[], named: number | undefined): object;
  /** Makes the chunks of one streamed answer. */
  stream(model: string, named: number | undefined): StreamShape;
}

export interface StreamShape {
  /** Chunks before the first text of an answer. */
  begin(index: number): object[];
  piece(piece: Piece): object;
  usage(usage: Usage): object;
}

export function reasonOf({ stopReason }: GenerateResult): 'stop' | 'length' {
  return stopReason === 'length' ? 'length' : 'stop';
}

/** `prompts`: how many different prompts the results answer; each counts once, as OpenAI counts them. */
export function usageOf(results: GenerateResult[], prompts: number): Usage {
  const each = results.length / prompts;
  const prompt = results.filter((_, i) => i % each === 0).reduce((sum, { promptTokens }) => sum + promptTokens, 0);
  const completion = results.reduce((sum, { tokens }) => sum + tokens, 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

const head = (prefix: string, object: string, model: string) => ({
  id: `${prefix}-${randomBytes(12).toString('hex')}`,
  object,
  created: Math.floor(Date.now() / 1000),
  model,
});

export const chatShape: Shape = {
  whole: (model, results, named) => ({
    ...head('chatcmpl', 'chat.completion', model),
    choices: results.map((result, index) => ({
      index,
      message: { role: 'assistant', content: result.text, refusal: null },
      logprobs: named === undefined ? null : chatLogprobs(result.probabilities ?? [], named),
      finish_reason: reasonOf(result),
    })),
    usage: usageOf(results, 1),
  }),
  stream(model, named) {
    const frame = head('chatcmpl', 'chat.completion.chunk', model);
    const chunk = (index: number, delta: object, logprobs: object | null, reason: string | null): object => ({
      ...frame,
      choices: [{ index, delta, logprobs, finish_reason: reason }],
    });
    return {
      begin: (index) => [chunk(index, { role: 'assistant', content: '', refusal: null }, null, null)],
      piece: ({ index, text, tokens, reason }) =>
        chunk(
          index,
          text === '' && reason ? {} : { content: text },
          named === undefined || !tokens ? null : chatLogprobs(tokens, named),
          reason,
        ),
      usage: (usage) => ({ ...frame, choices: [], usage }),
    };
  },
};

export const completionShape = (prompts: number): Shape => ({
  whole: (model, results, named) => ({
    ...head('cmpl', 'text_completion', model),
    choices: results.map((result, index) => ({
      index,
      text: result.text,
      logprobs: named === undefined ? null : completionLogprobs(result.probabilities ?? [], named, 0),
      finish_reason: reasonOf(result),
    })),
    usage: usageOf(results, prompts),
  }),
  stream(model, named) {
    const frame = head('cmpl', 'text_completion', model);
    return {
      begin: () => [],
      piece: ({ index, text, tokens, offset, reason }) => ({
        ...frame,
        choices: [
          {
            index,
            text,
            logprobs: named === undefined || !tokens ? null : completionLogprobs(tokens, named, offset),
            finish_reason: reason,
          },
        ],
      }),
      usage: (usage) => ({ ...frame, choices: [], usage }),
    };
  },
});
