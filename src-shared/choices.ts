/** Choices between answers, made in the playground or prompt after prompt, and the datasets made of them. */
import { z } from 'zod';

/** A text to be continued, or the conversation up to the answer. */
export const choicePromptSchema = z.union([
  z.string().min(1),
  z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })).min(1),
]);
export type ChoicePrompt = z.output<typeof choicePromptSchema>;

/** Two answers of which one was chosen, or single ones with a thumb up or down. */
export const CHOICE_KINDS = ['pairs', 'marks'] as const;
export type ChoiceKind = (typeof CHOICE_KINDS)[number];

/** A dataset that was made of choices. */
export interface ChoiceDataset {
  id: string;
  name: string;
  /** The current one. */
  version: number;
}

/** Prompts of a dataset to which nothing has been chosen yet. */
export interface DrawnPrompts {
  prompts: ChoicePrompt[];
  /** So many were passed over on the way, since they have a choice. */
  decided: number;
}

export interface ChoiceCounts {
  pairs: number;
  /** Answers with a thumb up, and down. */
  good: number;
  bad: number;
  datasets: Record<ChoiceKind, ChoiceDataset | null>;
}
