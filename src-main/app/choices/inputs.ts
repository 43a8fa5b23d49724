/** What callers send of the choices between answers. */
import { z } from 'zod';
import { CHOICE_KINDS, choicePromptSchema } from '../../../src-shared/choices.ts';

const answer = z.string().max(1_000_000);

export const editSchema = z.object({ prompt: choicePromptSchema, original: answer, edited: answer });

/** `best`: index of the answer that is chosen over the others. */
export const choiceVoteSchema = z
  .object({ prompt: choicePromptSchema, answers: z.array(answer).min(2), best: z.number().int().min(0) })
  .refine(({ answers, best }) => best < answers.length, { path: ['best'], message: 'is no answer' });

/** So many prompts of a dataset at most. */
export const drawPromptsSchema = z.object({
  datasetId: z.string(),
  count: z.number().int().min(1).max(1000).default(20),
  seed: z.number().int().default(0),
});

/** Null takes the thumb back. */
export const markSchema = z.object({ prompt: choicePromptSchema, answer, good: z.boolean().nullable() });

export const choiceKindSchema = z.object({ kind: z.enum(CHOICE_KINDS) });
