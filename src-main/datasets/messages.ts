/**
 * Conversations of a row: OpenAI's [{role, content}] and ShareGPT's [{from, value}] as one list of messages, with what
 * they say of tools and of which answers are to be learnt.
 */
import { describeValue } from './readers/jsonRow.ts';
import { readCalls, readFunctionCall } from './toolCalls.ts';
import { isObject } from './tokenizerFiles.ts';
import type { JsonObject } from './tokenizerFiles.ts';
import type { Message } from '../../src-shared/datasets.ts';

const ROLES: Record<string, Message['role']> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  human: 'user',
  assistant: 'assistant',
  gpt: 'assistant',
  chatgpt: 'assistant',
  model: 'assistant',
  function_call: 'assistant',
  tool: 'tool',
  function: 'tool',
  ipython: 'tool',
  observation: 'tool',
};

/** Keys that are read here; a chat template sees the others under their own names. */
const READ_KEYS = new Set(['role', 'from', 'content', 'value', 'weight', 'train', 'training', 'train_detail']);

type Reason = { reason: string };

/** The messages, or the reason why `value` holds no conversation to learn from. */
export function parseMessages(value: unknown, column: string): { messages: Message[] } | Reason {
  const read = readMessages(value, column);
  if ('reason' in read) return read;
  const answers = read.messages.filter((message) => message.role === 'assistant');
  if (answers.length === 0) return { reason: `"${column}" has no message of the assistant to learn from` };
  if (answers.every((message) => message.train === false))
    return { reason: `every answer of "${column}" is marked as not to be learnt, so that nothing is left` };
  return read;
}

/** As parseMessages, for a list that needs no answer. */
export function readMessages(value: unknown, column: string): { messages: Message[] } | Reason {
  if (!Array.isArray(value)) return { reason: `"${column}" is ${describeValue(value)}, not a list of messages` };
  const messages: Message[] = [];
  for (const [i, turn] of value.entries()) {
    const where = `message ${i + 1} of "${column}"`;
    if (!isObject(turn)) return { reason: `${where} is ${describeValue(turn)}, not an object with role and content` };
    const message = readMessage(turn, where);
    if ('reason' in message) return message;
    messages.push(message);
  }
  return messages.length === 0 ? { reason: `"${column}" is an empty list` } : { messages };
}

function readMessage(turn: JsonObject, where: string): Message | Reason {
  const name = turn['role'] ?? turn['from'];
  const role = typeof name === 'string' && Object.hasOwn(ROLES, name) ? ROLES[name] : undefined;
  if (!role)
    return {
      reason:
        `${where} has the role ${JSON.stringify(name ?? null)}; known roles are system, user, assistant, tool ` +
        '(human, gpt, function_call, observation)',
    };
  const learnt = readTraining(turn, role, where);
  if ('reason' in learnt) return learnt;
  const given = turn['content'] ?? turn['value'];
  const said = name === 'function_call' ? readFunctionCall(given, where) : readCalls(turn, where);
  if ('reason' in said) return said;
  const calls = said.calls.length > 0 ? { tool_calls: said.calls } : {};
  const content = name === 'function_call' ? '' : contentOf(given, where, said.calls.length > 0);
  if (typeof content !== 'string') return content;
  if (content.trim() === '' && said.calls.length === 0 && role !== 'tool')
    return { reason: `the content of ${where} is empty` };
  const fields = { ...otherFields(turn), ...calls };
  return { role, content, ...learnt, ...(Object.keys(fields).length > 0 ? { fields } : {}) };
}

/** The text of a message: a text, or a list of parts that are all texts. */
function contentOf(value: unknown, where: string, mayBeAbsent: boolean): string | Reason {
  if (typeof value === 'string') return value;
  if (mayBeAbsent && (value === undefined || value === null)) return '';
  if (!Array.isArray(value)) return { reason: `the content of ${where} is ${describeValue(value)}, not text` };
  let text = '';
  for (const part of value as unknown[]) {
    const type = isObject(part) ? part['type'] : 'text';
    const own = isObject(part) ? part['text'] : part;
    if (typeof own !== 'string' || (type !== undefined && !String(type).endsWith('text'))) {
      const what = typeof type === 'string' && type !== 'text' ? `"${type}"` : describeValue(own);
      return { reason: `the content of ${where} has a part that is ${what}; Graft trains on text only` };
    }
    text += own;
  }
  return text;
}

/** Whether an answer is learnt: OpenAI's `weight`, axolotl's `train` and `training`. */
function readTraining(turn: JsonObject, role: Message['role'], where: string): { train?: false } | Reason {
  const weight = turn['weight'] ?? 1;
  if (weight !== 0 && weight !== 1)
    return { reason: `${where} has the weight ${JSON.stringify(weight)}; known weights are 0 and 1` };
  if ((turn['train_detail'] ?? null) !== null)
    return { reason: `${where} says by "train_detail" which characters to learn; Graft learns whole messages only` };
  const flag = turn['train'] ?? turn['training'] ?? null;
  if (flag !== null && typeof flag !== 'boolean')
    return { reason: `"train" of ${where} is ${describeValue(flag)}, not true or false` };
  if (role !== 'assistant')
    return flag === true ? { reason: `${where} is to be learnt, but it is no answer of the assistant` } : {};
  return weight === 0 || flag === false ? { train: false } : {};
}

function otherFields(turn: JsonObject): JsonObject {
  const kept = Object.entries(turn).filter(
    ([key, value]) => !READ_KEYS.has(key) && key !== 'function_call' && value !== null && value !== undefined,
  );
  return Object.fromEntries(kept);
}
