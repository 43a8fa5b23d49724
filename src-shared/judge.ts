/** A local model as judge of two answers, and how far its choices are those of the user. */
import { z } from 'zod';
import type { BackendName } from './backends.ts';
import type { BaseForms } from './baseDtypes.ts';
import type { WinRate } from './suites.ts';

export const RUBRIC =
  'Choose the answer that says correctly and completely what was asked for, in plain words, and adds nothing else.';

export const judgeSuiteSchema = z.object({
  /** Of the suite. */
  id: z.string(),
  /** The two whose answers are compared: adapters, or models for plain bases. */
  subjectIds: z.tuple([z.string(), z.string()]),
  judgeModelId: z.string(),
  rubric: z.string().trim().min(1).max(4000).default(RUBRIC),
});
export type JudgeSuite = z.input<typeof judgeSuiteSchema>;

export interface JudgedPair {
  prompt: string;
  first: string;
  second: string;
  /** Answers that are known to be right. */
  references: string[];
}

export interface JudgeParams extends BaseForms {
  engine: BackendName;
  modelDir: string;
  rubric: string;
  pairs: JudgedPair[];
}

/**
 * log p("A") - log p("B") with the first answer as A, and with the two swapped; a reason where the pair could not be
 * put to the model.
 */
export type PairOdds = { odds: [number, number] } | { problem: string };

export type Choice = 'first' | 'second' | 'undecided';

export interface JudgeReport {
  judge: string;
  rubric: string;
  /** Of the suite's questions, on how many it chooses the second subject's answer, the first one's, neither. */
  wins: number;
  losses: number;
  undecided: number;
  /** Pairs that could not be put to it. */
  problems: number;
  /** Share of decided questions that the second subject wins, with its 95 % interval; null without any. */
  winRate: WinRate | null;
  /** On the user's own choices, of which there may be none: how often it chooses the same answer. */
  agreement: { choices: number; same: number; other: number; undecided: number };
  /** Whether that is enough to go by, in a sentence. */
  trust: { enough: boolean; text: string };
  /** One per question, in the order of the suite. */
  chosen: (Choice | null)[];
}
