/** A request as OpenAI's API has it, as what Graft is asked for: one question per answer that is wanted. */
import { randomInt } from 'node:crypto';
import type { z } from 'zod';
import type { GenerateParams } from '../../../src-shared/generation.ts';
import type { Message } from '../../../src-shared/datasets.ts';
import { chatSchema, completionSchema, type ChatRequest, type CompletionRequest } from './fields.ts';
import { badRequest } from './refusals.ts';

/** What a request comes to, whichever of the two kinds it is. */
export interface AskedRequest {
  model: string;
  /** Who asks, where the request says so. */
  user: string | undefined;
  stream: boolean;
  includeUsage: boolean;
  /** How many of the likeliest tokens are named beside each; undefined: no likelihoods. */
  logprobs: number | undefined;
  /** One per answer, in the order of their `index`. */
  questions: GenerateParams[];
}

/** As OpenAI's API has it for completions; a conversation goes on until the model ends it. */
const DEFAULT_COMPLETION_TOKENS = 16;
/** No model sees more; it ends where its own longest sequence is reached. */
const UNTIL_IT_ENDS = 1_000_000;
const MOST_SEED = 2 ** 31;
const MOST_QUESTIONS = 128;

export function askedChat(body: unknown): AskedRequest {
  const request = parsed(chatSchema, body);
  const { logprobs, top_logprobs: top, max_tokens: most, max_completion_tokens: mostNew, messages } = request;
  if (top && !logprobs)
    throw badRequest('"top_logprobs" needs "logprobs": true; add it, or leave "top_logprobs" out.', 'top_logprobs');
  const question = {
    ...sampling(request),
    prompt: '',
    messages: messages.map(({ role, content }): Message => ({ role: role === 'developer' ? 'system' : role, content })),
    maxNew: mostNew ?? most ?? UNTIL_IT_ENDS,
    ...grammarOf(request),
  };
  const wanted = logprobs ? (top ?? 0) : undefined;
  return {
    ...common(request),
    logprobs: wanted,
    questions: severalOf([question], request.n ?? 1, wanted, request.seed),
  };
}

/** `prompts`: how many different ones there are. */
export function askedCompletion(body: unknown): AskedRequest & { prompts: number } {
  const request = parsed(completionSchema, body);
  const { prompt, max_tokens: most, logprobs } = request;
  const questions = prompt.map((one) => ({
    ...sampling(request),
    ...(typeof one === 'string' ? { prompt: one } : { prompt: '', ids: one }),
    maxNew: most ?? DEFAULT_COMPLETION_TOKENS,
  }));
  const wanted = logprobs ?? undefined;
  const all = severalOf(questions, request.n ?? 1, wanted, request.seed);
  return { ...common(request), logprobs: wanted, questions: all, prompts: prompt.length };
}

function grammarOf({ response_format: format }: ChatRequest): Pick<GenerateParams, 'grammar'> {
  if (format?.type === 'json_object') return { grammar: { type: 'json' } };
  if (format?.type === 'json_schema') return { grammar: { type: 'schema', schema: format.json_schema.schema } };
  return {};
}

function common({ model, user, stream, stream_options: options }: ChatRequest | CompletionRequest) {
  if (options && !stream)
    throw badRequest('"stream_options" needs "stream": true; add it, or leave it out.', 'stream_options');
  return { model, user: user ?? undefined, stream: stream ?? false, includeUsage: options?.include_usage ?? false };
}

function sampling(request: ChatRequest | CompletionRequest): Omit<GenerateParams, 'prompt' | 'maxNew'> {
  const { temperature, top_p: topP, top_k: topK, repetition_penalty: repetitionPenalty, stop } = request;
  return {
    temperature: temperature ?? 1,
    ...(typeof topP === 'number' ? { topP } : {}),
    ...(topK ? { topK } : {}),
    ...(typeof repetitionPenalty === 'number' ? { repetitionPenalty } : {}),
    ...(stop.length > 0 ? { stop } : {}),
    ...(request.ignore_eos ? { ignoreEnds: true } : {}),
  };
}

/** `n` answers to each, every one with a seed of its own; the first has the seed that was asked for. */
function severalOf(
  questions: GenerateParams[],
  n: number,
  logprobs: number | undefined,
  seed: number | null | undefined,
): GenerateParams[] {
  if (questions.length * n > MOST_QUESTIONS)
    throw badRequest(
      `${questions.length} prompts with ${n} answers each are more than ${MOST_QUESTIONS} answers, the most at once; ` +
        'send several.',
      'prompt',
    );
  const first = seed ?? randomInt(MOST_SEED);
  // The likelihood of the token that was taken comes with the first of the likeliest.
  const likelihoods = logprobs === undefined ? {} : { probabilities: true, named: Math.max(1, logprobs) };
  return questions.flatMap((question) =>
    Array.from({ length: n }, (_, i) => ({ ...question, ...likelihoods, seed: first + i })),
  );
}

function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const field = [...issue.path, issue.keys[0]!].map(String).join('.');
    throw badRequest(`"${field}" is not known to this service; leave it out.`, field, 'unknown_parameter');
  }
  const field = issue.path.map(String).join('.');
  if (field === '') throw badRequest('The body is no JSON object; send one.', null);
  throw badRequest(`"${field}"${whatIsWrong(issue)}.`, field, 'invalid_value');
}

/** Goes on from the name of the field, as the sentences of Graft's own do. */
function whatIsWrong(issue: z.core.$ZodIssue): string {
  const { message } = issue;
  if (/^(is|asks) /.test(message)) return ` ${message}`;
  const [, wanted, got] = /^Invalid input: expected (\w+), received (\w+)$/.exec(message) ?? [];
  if (got === 'undefined') return ` is missing; give it as ${wanted}`;
  if (got !== undefined) return ` is of type ${got}, but ${wanted} is needed`;
  const [, limit] = /^Too (?:small|big): expected \w+ to be ([<>]=?-?[\d.e+]+)$/.exec(message) ?? [];
  return limit === undefined ? `: ${message}` : ` is out of range; it must be ${limit}`;
}
