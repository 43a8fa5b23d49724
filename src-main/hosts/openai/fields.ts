/**
 * Fields of requests as OpenAI's API reference names them. What would change the answer and cannot be done is refused,
 * never passed over; what says nothing about the answer, such as `user`, may stand there.
 */
import { z } from 'zod';

const MOST_ANSWERS = 32;
const MOST_STOPS = 16;
const MOST_LOGPROBS = 20;

/** A field whose only values are those that ask for nothing; `why` says what to do without it. */
const refused = (why: string, isNothing: (value: unknown) => boolean = () => false) =>
  z
    .unknown()
    .refine((value) => value === undefined || value === null || isNothing(value), why)
    .optional();

const isEmpty = (value: unknown): boolean => typeof value === 'object' && Object.keys(value as object).length === 0;
const TOOLS = 'is not supported here: a tuned base answers with text; leave it out';
const PENALTY = 'is not supported; leave it out, or use "repetition_penalty"';

/** Of both kinds of request. */
const COMMON = {
  model: z.string().min(1),
  n: z.number().int().min(1).max(MOST_ANSWERS).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  /** The next three are not OpenAI's, but of llama.cpp's and vLLM's servers. */
  top_k: z.number().int().min(0).nullish(),
  repetition_penalty: z.number().gt(0).max(10).nullish(),
  ignore_eos: z.boolean().nullish(),
  seed: z.number().int().nullish(),
  stop: z
    .union([z.string(), z.array(z.string()).max(MOST_STOPS)])
    .nullish()
    .transform((stop) => (typeof stop === 'string' ? [stop] : (stop ?? [])).filter((text) => text !== '')),
  max_tokens: z.number().int().min(0).nullish(),
  frequency_penalty: refused(PENALTY, (value) => value === 0),
  presence_penalty: refused(PENALTY, (value) => value === 0),
  logit_bias: refused('is not supported; leave it out', isEmpty),
  user: z.string().nullish(),
};

const partSchema = z.discriminatedUnion(
  'type',
  [z.strictObject({ type: z.literal('text'), text: z.string() })],
  'is not supported: the model reads text only, as {"type": "text", "text": …}',
);

const messageSchema = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant'], {
    error: 'is none of "system", "developer", "user", "assistant"',
  }),
  content: z
    .union([z.string(), z.array(partSchema)], {
      error: 'is neither a text nor a list of parts {"type": "text", "text": …}; the model reads text only',
    })
    .transform((content) => (typeof content === 'string' ? content : content.map(({ text }) => text).join(''))),
  name: z.string().optional(),
  refusal: refused('is not supported'),
  audio: refused('is not supported'),
  tool_calls: refused(TOOLS, isEmpty),
  function_call: refused(TOOLS),
});

const jsonSchemaSchema = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  schema: z.record(z.string(), z.unknown()),
  strict: z.boolean().nullish(),
});

export const chatSchema = z.strictObject({
  ...COMMON,
  messages: z.array(messageSchema).min(1, 'is empty; give at least one message'),
  max_completion_tokens: z.number().int().min(0).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(MOST_LOGPROBS).nullish(),
  response_format: z
    .discriminatedUnion(
      'type',
      [
        z.strictObject({ type: z.literal('text') }),
        z.strictObject({ type: z.literal('json_object') }),
        z.strictObject({ type: z.literal('json_schema'), json_schema: jsonSchemaSchema }),
      ],
      'is none of {"type": "text"}, "json_object", "json_schema"',
    )
    .nullish(),
  tools: refused(TOOLS, isEmpty),
  tool_choice: refused(TOOLS, (value) => value === 'none' || value === 'auto'),
  parallel_tool_calls: z.boolean().nullish(),
  functions: refused(TOOLS, isEmpty),
  function_call: refused(TOOLS, (value) => value === 'none' || value === 'auto'),
  modalities: refused(
    'is not supported: the model writes text only',
    (value) => Array.isArray(value) && value.every((one) => one === 'text'),
  ),
  audio: refused('is not supported: the model writes text only'),
  prediction: refused('is not supported; leave it out'),
  reasoning_effort: refused('is not supported; leave it out', (value) => value === 'none'),
  verbosity: refused('is not supported; leave it out', (value) => value === 'medium'),
  web_search_options: refused('is not supported: nothing here goes to the network; leave it out'),
  metadata: z.unknown().optional(),
  store: refused('is not supported: nothing is kept; leave it out', (value) => value === false),
  service_tier: z.unknown().optional(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
});

const idsSchema = z.array(z.number().int().min(0));

export const completionSchema = z.strictObject({
  ...COMMON,
  /** A text, several, token ids, or several lists of them. */
  prompt: z
    .union([z.string(), z.array(z.string()).min(1), idsSchema.min(1), z.array(idsSchema).min(1)], {
      error: 'is neither a text, a list of texts, token ids, nor a list of lists of them',
    })
    .transform((prompt): (string | number[])[] => {
      if (typeof prompt === 'string') return [prompt];
      return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as (string | number[])[]);
    }),
  logprobs: z.number().int().min(0).max(MOST_LOGPROBS).nullish(),
  best_of: refused('is not supported; use "n"', (value) => value === 1),
  echo: refused('is not supported; put the prompt before the answer yourself', (value) => value === false),
  suffix: refused('is not supported: the model only continues texts', (value) => value === ''),
});

export type ChatRequest = z.output<typeof chatSchema>;
export type CompletionRequest = z.output<typeof completionSchema>;
