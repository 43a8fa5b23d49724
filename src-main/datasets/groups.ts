/** Which rows a split keeps on one side: those with the same prompt. */
import type { Example } from '../../src-shared/datasets.ts';

/** What examples of the same group have in common; a text without a prompt counts as a whole. */
export function promptOf({ segments, messages, tools }: Example): string {
  if (segments) return (segments.find((segment) => !segment.loss) ?? segments[0])?.text ?? '';
  const answer = messages.findIndex((message) => message.role === 'assistant' && message.train !== false);
  const asked = messages.slice(0, answer);
  return JSON.stringify(tools ? [tools, asked] : asked);
}
