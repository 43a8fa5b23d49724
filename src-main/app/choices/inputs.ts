/** What callers send of the choices between answers. */
import { z } from 'zod';
import { CHOICE_KINDS, choicePromptSchema } from '../../../src-shared/choices.ts';

const answer = z.string().max(1_000_000);

export const editSchema = z.object({ prompt: choicePromptSchema, original: answer, edited: answer });

/** Null takes the thumb back. */
export const markSchema = z.object({ prompt: choicePromptSchema, answer, good: z.boolean().nullable() });

export const choiceKindSchema = z.object({ kind: z.enum(CHOICE_KINDS) });
