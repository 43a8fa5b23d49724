/** One prompt and who answered it: one, or several side by side. */
import type { ChoicePrompt } from '../../../src-shared/choices.ts';
import type { HistoryRequest, HistorySampling } from '../../lib/api.ts';
import type { Answer } from './answer.svelte.ts';

export interface Exchange {
  prompt: string;
  /** What was asked in full: a text, or the conversation up to the answer. */
  asked: ChoicePrompt;
  answers: Answer[];
  sampling: HistorySampling;
  /** Where two adapters answered as one. */
  mix?: HistoryRequest['mix'];
}
