/** Questions and answers that a model drafts from texts, and what the user makes of them. */

/** `drafted`: written, and waiting for the user. */
export const DRAFT_STATES = ['waiting', 'drafted', 'accepted', 'rejected'] as const;
export type DraftState = (typeof DRAFT_STATES)[number];

export interface DraftSource {
  text: string;
  /** Document, page and heading, where the dataset names them. */
  source: string | null;
  page: number | null;
  heading: string | null;
}

export interface Draft {
  state: DraftState;
  question: string;
  answer: string;
  /** Why the model could not write it, in a sentence. */
  problem: string | null;
}

export interface DraftSet {
  id: string;
  name: string;
  datasetId: string;
  modelId: string;
  adapterId: string | null;
  createdAt: string;
  /** Of each text, in their order. */
  states: DraftState[];
  /** A model is at work on it. */
  writing: boolean;
  /** Why it stopped, in a sentence. */
  problem: string | null;
}

export type DraftCounts = Record<DraftState, number>;

export function draftCounts(states: readonly DraftState[]): DraftCounts {
  const counts: DraftCounts = { waiting: 0, drafted: 0, accepted: 0, rejected: 0 };
  for (const state of states) counts[state]++;
  return counts;
}
