/** What callers send to the playground. */
import { z } from 'zod';
import { choicePromptSchema } from '../../../src-shared/choices.ts';
import { runSpecSchema } from '../../../src-shared/runSpec.ts';

/** Most columns that fit beside each other. */
const MOST_COMPARED = 4;

const messageSchema = z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() });

export const generateSchema = z
  .object({
    prompt: z.string().default(''),
    chat: z.boolean().optional(),
    asTrained: z.boolean().optional(),
    messages: z.array(messageSchema).min(1).optional(),
    controlTokens: z.boolean().optional(),
    maxNew: z.number().int().min(1).max(32_768).default(64),
    temperature: z.number().min(0).max(10).default(0),
    topK: z.number().int().min(1).optional(),
    topP: z.number().gt(0).max(1).optional(),
    repetitionPenalty: z.number().gt(0).max(10).optional(),
    seed: z.number().int().optional(),
    stop: z.array(z.string().min(1)).max(16).optional(),
    probabilities: z.boolean().optional(),
  })
  .refine(({ prompt, messages }) => messages || prompt !== '', { path: ['prompt'], message: 'is empty' });

export const loadSchema = z.object({ modelId: z.string(), engine: runSpecSchema.shape.engine });

export const compareSchema = z.intersection(
  generateSchema,
  z.object({ adapterIds: z.array(z.string().nullable()).min(1).max(MOST_COMPARED) }),
);

export const mixSchema = z.object({
  adapterIds: z.tuple([z.string(), z.string()]),
  /** Of the second. */
  share: z.number().min(0).max(1),
});

export const searchSchema = z
  .object({ search: z.string().default(''), limit: z.number().int().min(1).max(1000).default(100) })
  .default({ search: '', limit: 100 });

export const entrySchema = z.object({
  /** Of an entry that goes on; absent: a new one. */
  id: z.string().optional(),
  modelId: z.string(),
  title: z.string(),
  request: z.object({
    mode: z.enum(['completion', 'chat']),
    compare: z.boolean(),
    blind: z.boolean(),
    system: z.string(),
    mix: mixSchema.optional(),
    prompts: z.array(z.string()).min(1),
    sampling: z.object({
      maxNew: z.number(),
      temperature: z.number(),
      topK: z.number().optional(),
      topP: z.number().optional(),
      repetitionPenalty: z.number().optional(),
      seed: z.number().optional(),
      stop: z.array(z.string()),
    }),
  }),
  answers: z.array(
    z.object({
      by: z.string().nullable(),
      name: z.string(),
      text: z.string(),
      tokens: z.number(),
      tokensPerSecond: z.number(),
      stopReason: z.enum(['length', 'eos', 'stop', 'cancelled']),
    }),
  ),
});

export const voteSchema = z.object({
  modelId: z.string(),
  /** Who took part; null: the plain base. */
  adapterIds: z.array(z.string().nullable()).min(2),
  /** Index of the best; null: a tie. */
  best: z.number().int().min(0).nullable(),
  /** What they were asked and answered, in the same order, for a dataset of choices. */
  asked: z.object({ prompt: choicePromptSchema, answers: z.array(z.string()).min(2) }).optional(),
});
