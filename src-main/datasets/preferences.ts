/**
 * Two answers to the same question, as people's files have them: prompt, chosen and rejected as texts or as lists of
 * messages (TRL), the prompt inside both answers (UltraFeedback, TRL's implicit prompt), or whole transcripts (HH).
 */
import { parseMessages, readMessages } from './messages.ts';
import { describeValue } from './readers/jsonRow.ts';
import { isObject } from './tokenizerFiles.ts';
import type { ColumnPlan, Message } from '../../src-shared/datasets.ts';
import type { RawRow } from './types.ts';

type Reason = { reason: string };

/** What both answers follow, and each of them: texts, or messages. */
export type Pair =
  { prompt: string; chosen: string; rejected: string } | { context: Message[]; chosen: Message[]; rejected: Message[] };

/** The pair of a row, or why it is none. */
export function readPair(values: RawRow['values'], { columns }: ColumnPlan): Pair | Reason {
  const column = (field: string): string => columns[field] ?? field;
  const sides = ['chosen', 'rejected'] as const;
  const badScore = scoreProblem(values[column('score_chosen')], values[column('score_rejected')]);
  if (badScore) return badScore;
  for (const side of sides) {
    const value = values[column(side)];
    if (value === undefined || value === null) return { reason: `"${column(side)}" is missing` };
    if (isEmpty(value)) return { reason: `"${column(side)}" is empty` };
    if (typeof value !== 'string' && !isMessageList(value))
      return { reason: `"${column(side)}" is ${describeValue(value)}, neither text nor a list of messages` };
  }
  const [chosen, rejected] = sides.map((side) => values[column(side)]);
  const prompt = isEmpty(values[column('prompt')]) ? undefined : values[column('prompt')];
  if (typeof chosen === 'string' && typeof rejected === 'string') {
    if (typeof prompt === 'string') return different({ prompt, chosen, rejected });
    if (prompt === undefined) return transcripts(chosen, rejected) ?? textsWithPrompt(chosen, rejected);
  }
  return conversations(prompt, { chosen, rejected }, column);
}

/** A pair whose scores say the opposite would turn the data round. */
function scoreProblem(chosen: unknown, rejected: unknown): Reason | undefined {
  const [good, bad] = [chosen, rejected].map((value) => (isEmpty(value) ? NaN : Number(value)));
  if (!(good! < bad!)) return undefined;
  return { reason: `its scores say that the rejected answer is the better one (${good} against ${bad})` };
}

function different<T extends Pair>(pair: T): T | Reason {
  const same = JSON.stringify(pair.chosen) === JSON.stringify(pair.rejected);
  return same ? { reason: 'both answers are the same, so that there is nothing to choose' } : pair;
}

/** Texts that begin alike: what they have in common, up to a space, is the prompt. */
function textsWithPrompt(chosen: string, rejected: string): Pair | Reason {
  let common = 0;
  while (common < chosen.length && chosen[common] === rejected[common]) common++;
  const end = Math.max(...[' ', '\n'].map((space) => chosen.lastIndexOf(space, common - 1)));
  const prompt = chosen.slice(0, Math.max(0, end));
  if (prompt.trim() === '')
    return { reason: 'it has no prompt, and its answers do not begin with the same words either' };
  const rest = { chosen: chosen.slice(end), rejected: rejected.slice(end) };
  const empty = Object.entries(rest).find(([, text]) => text.trim() === '');
  return empty ? { reason: `"${empty[0]}" says no more than the prompt` } : different({ prompt, ...rest });
}

const TURN = /(?:^|\n\n)(Human|Assistant):/g;

/** Anthropic's transcripts; undefined where the texts are none. */
function transcripts(chosen: string, rejected: string): Pair | Reason | undefined {
  const [good, bad] = [chosen, rejected].map(turnsOf);
  return good && bad ? splitAt(good, bad) : undefined;
}

function turnsOf(text: string): Message[] | undefined {
  const turns = [...text.matchAll(TURN)];
  if (turns[0]?.index !== 0) return undefined;
  return turns.map(({ index, 0: { length }, 1: who }, i) => ({
    role: who === 'Human' ? 'user' : 'assistant',
    content: text.slice(index + length, turns[i + 1]?.index).trim(),
  }));
}

function conversations(
  prompt: unknown,
  answers: Record<'chosen' | 'rejected', unknown>,
  column: (field: string) => string,
): Pair | Reason {
  const context = isMessageList(prompt)
    ? readMessages(prompt, column('prompt'))
    : { messages: typeof prompt === 'string' ? [{ role: 'user', content: prompt } as Message] : [] };
  if ('reason' in context) return context;
  const sides: Message[][] = [];
  for (const side of ['chosen', 'rejected'] as const) {
    const value = answers[side];
    if (typeof value === 'string') {
      sides.push([...context.messages, { role: 'assistant', content: value }]);
      continue;
    }
    const read = parseMessages(value, column(side));
    if ('reason' in read) return read;
    const isWhole = read.messages[0]?.role !== 'assistant';
    if (isWhole && !beginsWith(read.messages, context.messages))
      return { reason: `"${column(side)}" does not begin with what "${column('prompt')}" says` };
    sides.push(isWhole ? read.messages : [...context.messages, ...read.messages]);
  }
  return splitAt(sides[0]!, sides[1]!);
}

/** A system text that only the answers have is theirs. */
function beginsWith(messages: readonly Message[], context: readonly Message[]): boolean {
  const own = messages[0]?.role === 'system' && context[0]?.role !== 'system' ? messages.slice(1) : messages;
  return context.every((message, i) => isSame(message, own[i]));
}

function isSame(a: Message, b: Message | undefined): boolean {
  return b !== undefined && a.role === b.role && a.content.trim() === b.content.trim();
}

/** Both conversations from where they part. */
function splitAt(chosen: Message[], rejected: Message[]): Pair | Reason {
  let common = 0;
  while (common < Math.min(chosen.length, rejected.length) && isSame(chosen[common]!, rejected[common])) common++;
  if (common === chosen.length && common === rejected.length)
    return different({ prompt: '', chosen: '', rejected: '' });
  const rest = { chosen: chosen.slice(common), rejected: rejected.slice(common) };
  for (const [side, messages] of Object.entries(rest))
    if (messages[0]?.role !== 'assistant')
      return {
        reason:
          messages.length === 0
            ? `"${side}" ends before the answers part`
            : "its answers part at a message that is not the assistant's",
      };
  if (!chosen.slice(0, common).some(({ role }) => role === 'user'))
    return { reason: 'it has no prompt that both answers follow' };
  const empty = Object.entries(rest).find(([, messages]) =>
    messages.every(({ content, fields }) => content === '' && !fields),
  );
  if (empty) return { reason: `"${empty[0]}" is empty` };
  return { context: chosen.slice(0, common), ...rest };
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() === '';
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function isMessageList(value: unknown): boolean {
  return Array.isArray(value) && value.some(isObject);
}
