/** A row as the columns' plan reads it: an example to learn from, or the reason why it is none. */
import { alpacaPrompt, alpacaQuestion, readHistory, type Turn } from './alpaca.ts';
import { withJoins } from './joinedColumns.ts';
import { ktoMark } from './ktoMark.ts';
import { parseMessages, readMessages } from './messages.ts';
import { readPair } from './preferences.ts';
import { describeValue } from './readers/jsonRow.ts';
import { readTools } from './toolCalls.ts';
import { isObject } from './tokenizerFiles.ts';
import type { BadRow, ColumnPlan, Example, Message, Segment } from '../../src-shared/datasets.ts';
import type { RawRow } from './types.ts';

type Reason = { reason: string };

/** The example of a row, or the reason why it cannot be used. */
export function toExample(row: RawRow, plan: ColumnPlan): Example | BadRow {
  const content = read(plan.joins ? withJoins(row, plan.joins).values : row.values, plan);
  return { line: row.line, ...content, ...(row.goesOn && 'segments' in content ? { goesOn: row.goesOn } : {}) };
}

type Content = ({ messages: Message[]; tools?: unknown[] } | { segments: Segment[]; label?: string }) &
  Pick<Example, 'rejected' | 'good'>;

function read(values: RawRow['values'], plan: ColumnPlan): Content | Reason {
  if (plan.kind === 'preference') return pairOf(values, plan);
  const good = plan.kind === 'text' ? undefined : ktoMark(values[plan.columns['label'] ?? '']);
  const content = contentOf(values, plan);
  return good === undefined || 'reason' in content ? content : { ...content, good };
}

function contentOf(values: RawRow['values'], plan: ColumnPlan): Content | Reason {
  const valueOf = (field: string): unknown => values[plan.columns[field] ?? ''];
  if (plan.kind === 'messages') {
    const column = plan.columns['messages'] ?? 'messages';
    if (!(column in values)) return { reason: `"${column}" is missing` };
    return withSystem(withTools(parseMessages(values[column], column), values, plan), valueOf('system'));
  }
  if (plan.kind === 'completion' && [valueOf('prompt'), valueOf('completion')].some(isMessageList))
    return withTools(conversation(values, plan), values, plan);
  const texts = textsOf(values, plan);
  if ('reason' in texts) return texts;
  const label = plan.kind === 'text' ? labelOf(valueOf('label')) : undefined;
  if (plan.asked !== undefined) return askedOf(plan, texts.texts, valueOf('history'));
  const segments = segmentsOf(plan, texts.texts, valueOf('history'));
  return Array.isArray(segments) ? { segments, ...(label === undefined ? {} : { label }) } : segments;
}

/** The chosen answer as any other row, with the rejected one beside it. */
function pairOf(values: RawRow['values'], plan: ColumnPlan): Content | Reason {
  const pair = readPair(values, plan);
  if ('reason' in pair) return pair;
  const side = (which: 'chosen' | 'rejected'): Content | Reason => {
    if ('prompt' in pair) {
      const texts = { prompt: pair.prompt, completion: pair[which], ...systemOf(values, plan) };
      if (plan.asked !== undefined) return askedOf(plan, texts, undefined);
      return { segments: asked(pair.prompt, pair[which]) };
    }
    const context = pair.context.map(withoutLoss);
    const system = values[plan.columns['system'] ?? ''];
    return withSystem(withTools({ messages: [...context, ...pair[which]] }, values, plan), system);
  };
  const [chosen, rejected] = [side('chosen'), side('rejected')];
  if ('reason' in chosen) return chosen;
  return 'reason' in rejected ? rejected : { ...chosen, rejected };
}

function systemOf(values: RawRow['values'], { columns }: ColumnPlan): { system?: string } {
  const system = values[columns['system'] ?? ''];
  return typeof system === 'string' ? { system } : {};
}

function withoutLoss(message: Message): Message {
  return message.role === 'assistant' ? { ...message, train: false } : message;
}

function withTools(
  read: { messages: Message[] } | Reason,
  values: RawRow['values'],
  plan: ColumnPlan,
): { messages: Message[]; tools?: unknown[] } | Reason {
  const column = plan.columns['tools'];
  if ('reason' in read || column === undefined) return read;
  const found = readTools(values[column], column);
  if ('reason' in found) return found;
  return found.tools.length > 0 ? { ...read, tools: found.tools } : read;
}

/** The system text of a column of its own, in front of the conversation. */
function withSystem<T extends { messages: Message[] }>(read: T | Reason, system: unknown): T | Reason {
  if ('reason' in read || system === undefined || system === null || system === '') return read;
  if (typeof system !== 'string') return { reason: `"system" is ${describeValue(system)}, not text` };
  const [first] = read.messages;
  if (first?.role !== 'system') return { ...read, messages: [{ role: 'system', content: system }, ...read.messages] };
  if (first.content.trim() === system.trim()) return read;
  return { reason: 'its column "system" and its first message say different system texts; keep one' };
}

function isMessageList(value: unknown): boolean {
  return Array.isArray(value) && value.some(isObject);
}

/** TRL's prompt and completion as lists of messages: one conversation, of which the completion is learnt. */
function conversation(values: RawRow['values'], plan: ColumnPlan): { messages: Message[] } | Reason {
  const side = (field: string, role: Message['role']): { messages: Message[] } | Reason => {
    const column = plan.columns[field] ?? field;
    const value = values[column];
    if (typeof value === 'string' && value.trim() !== '') return { messages: [{ role, content: value }] };
    return field === 'prompt' ? readMessages(value, column) : parseMessages(value, column);
  };
  const prompt = side('prompt', 'user');
  if ('reason' in prompt) return prompt;
  const completion = side('completion', 'assistant');
  if ('reason' in completion) return completion;
  return { messages: [...prompt.messages.map(withoutLoss), ...completion.messages] };
}

/** Fields that may be absent, empty or null. */
const OPTIONAL = ['input', 'system'];
/** Fields that are no text of their own. */
const OTHERS = ['label', 'history', 'tools'];

function textsOf(values: RawRow['values'], plan: ColumnPlan): { texts: Record<string, string> } | Reason {
  const texts: Record<string, string> = {};
  for (const [field, column] of Object.entries(plan.columns)) {
    if (OTHERS.includes(field)) continue;
    const optional = OPTIONAL.includes(field);
    const value = values[column];
    if (optional && (value === undefined || value === null)) continue;
    if (!Object.hasOwn(values, column)) return { reason: `"${column}" is missing` };
    if (typeof value !== 'string') return { reason: `"${column}" is ${describeValue(value)}, not text` };
    if (!optional && value.trim() === '') return { reason: `"${column}" is empty` };
    texts[field] = value;
  }
  return { texts };
}

/** Labels are names or numbers; anything else is none. */
export function labelOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** `texts`: the fields of the row, which are all that the kind demands. */
function segmentsOf({ kind, columns }: ColumnPlan, texts: Record<string, string>, given: unknown): Segment[] | Reason {
  const { text = '', instruction = '', input, output = '', prompt = '', completion = '', system } = texts;
  if (kind === 'text') return [{ text, loss: true }];
  if (kind !== 'alpaca') return asked(prompt, completion);
  const history = readHistory(given, columns['history'] ?? 'history');
  if ('reason' in history) return history;
  return asked(alpacaPrompt({ instruction, input, system, history: history.turns }), output);
}

/** As the chosen prompt template has it: turns that it writes, or the bare texts. */
function askedOf(
  { asked: how, columns }: ColumnPlan,
  texts: Record<string, string>,
  given: unknown,
): { messages: Message[] } | { segments: Segment[] } | Reason {
  const { instruction = '', input = '', output, prompt = '', completion = '', system = '' } = texts;
  const history = readHistory(given, columns['history'] ?? 'history');
  if ('reason' in history) return history;
  const isInstruction = output !== undefined;
  const question = how === 'alpaca' ? alpacaQuestion(instruction, input) : filled([instruction, input]).join('\n\n');
  const [ask, reply] = isInstruction ? [question, output] : [prompt, completion];
  if (how === 'bare') return { segments: asked(filled([system, ...history.turns.flat(), ask]).join('\n\n'), reply) };
  return {
    messages: [
      ...filled([system]).map((content): Message => ({ role: 'system', content })),
      ...history.turns.flatMap(turnMessages),
      { role: 'user', content: ask },
      { role: 'assistant', content: reply },
    ],
  };
}

function filled(texts: readonly string[]): string[] {
  return texts.filter((text) => text.trim() !== '');
}

function turnMessages([question, answer]: Turn): Message[] {
  return [
    { role: 'user', content: question },
    { role: 'assistant', content: answer, train: false },
  ];
}

function asked(prompt: string, answer: string): Segment[] {
  return [
    { text: prompt, loss: false },
    { text: answer, loss: true },
  ];
}
