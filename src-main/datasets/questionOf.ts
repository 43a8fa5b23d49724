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

/** What a row asks, as a text or the conversation up to its last answer; undefined where it cannot be asked so. */
export function promptIn(row: RawRow, plan: ColumnPlan): string | Message[] | undefined {
  const example = toExample(row, barely(plan));
  // What a tool call means is not told without the list of tools.
  if ('reason' in example || example.tools) return undefined;
  if (example.segments) return questionOf(example).prompt;
  return example.messages.slice(0, lastAnswer(example.messages)).map(({ role, content }) => ({ role, content }));
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
