/** Conversations of a row: OpenAI's [{role, content}] and ShareGPT's [{from, value}] as one list of messages. */
import { describeValue } from './readers/jsonRow.ts';
import { isObject } from './tokenizerFiles.ts';
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
};

/** The messages, or the reason why `value` holds no conversation to learn from. */
export function parseMessages(value: unknown, column: string): { messages: Message[] } | { reason: string } {
  if (!Array.isArray(value)) return { reason: `"${column}" is ${describeValue(value)}, not a list of messages` };
  const messages: Message[] = [];
  for (const [i, turn] of value.entries()) {
    const where = `message ${i + 1} of "${column}"`;
    if (!isObject(turn)) return { reason: `${where} is ${describeValue(turn)}, not an object with role and content` };
    const name = turn['role'] ?? turn['from'];
    const content = turn['content'] ?? turn['value'];
    const role = typeof name === 'string' && Object.hasOwn(ROLES, name) ? ROLES[name] : undefined;
    if (!role)
      return {
        reason:
          `${where} has the role ${JSON.stringify(name ?? null)}; known roles are system, user, assistant ` +
          '(human, gpt)',
      };
    if (typeof content !== 'string')
      return { reason: `the content of ${where} is ${describeValue(content)}, not text` };
    if (content.trim() === '') return { reason: `the content of ${where} is empty` };
    messages.push({ role, content });
  }
  if (messages.length === 0) return { reason: `"${column}" is an empty list` };
  if (!messages.some((message) => message.role === 'assistant'))
    return { reason: `"${column}" has no message of the assistant to learn from` };
  return { messages };
}
