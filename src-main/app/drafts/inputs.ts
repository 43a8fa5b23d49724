/** What callers send about drafts. */
import { z } from 'zod';
import { byId, nameSchema } from '../inputs.ts';

/** The review keeps the state of each on the page. */
const MOST_DRAFTS = 5000;
const MOST_CHARS = 100_000;

export const startDraftsSchema = z.object({
  datasetId: z.string(),
  modelId: z.string(),
  adapterId: z.string().nullable().default(null),
  /** The first so many texts of the dataset. */
  count: z.number().int().min(1).max(MOST_DRAFTS).default(100),
  /** What the questions shall be like, in the user's words. */
  wish: z.string().max(2000).default(''),
});

export const draftRowSchema = byId.extend({ index: z.number().int().min(0) });

export const changeDraftSchema = draftRowSchema.extend({
  state: z.enum(['drafted', 'accepted', 'rejected']),
  question: z.string().max(MOST_CHARS),
  answer: z.string().max(MOST_CHARS),
});

export const finishDraftsSchema = byId.extend({ name: nameSchema.optional() });
