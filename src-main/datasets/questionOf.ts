/** A row as a question with its answer: what comes before its last answer, and that answer. */
import { toExample } from './examples.ts';
import type { ColumnPlan, Example, Message } from '../../src-shared/datasets.ts';
import type { RawRow } from './types.ts';

export interface Question {
  /** The words that are asked, without system texts and the frame of a template; empty for a text by itself. */
  prompt: string;
  answer: string;
}

/** The question of a row, or the reason why it is none. */
export function questionIn(row: RawRow, plan: ColumnPlan): Question | { reason: string } {
  const example = toExample(row, barely(plan));
  return 'reason' in example ? example : questionOf(example);
}

/** Without Alpaca's frame, which would be the same in each row. */
function barely(plan: ColumnPlan): ColumnPlan {
  return plan.kind === 'alpaca' ? { ...plan, asked: 'bare' } : plan;
}

function questionOf({ segments, messages }: Example): Question {
  if (segments) {
    const side = (loss: boolean): string =>
      segments
        .filter((segment) => segment.loss === loss)
        .map(({ text }) => text)
        .join('');
    return { prompt: side(false), answer: side(true) };
  }
  const at = lastAnswer(messages);
  const said = messages.slice(0, at).filter(({ role }) => role !== 'system');
  return { prompt: said.map(({ content }) => content).join('\n'), answer: messages[at]?.content ?? '' };
}

/** Index of the last message that is learnt. */
export function lastAnswer(messages: readonly Message[]): number {
  return messages.findLastIndex(({ role, train }) => role === 'assistant' && train !== false);
}
