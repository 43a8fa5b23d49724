/** Token ids for the cases, from a seed. */
import { IGNORED } from '../../src-main/datasets/types.ts';
import type { Random } from '../../src-shared/random.ts';
import type { Example } from '../peers/protocol.ts';

/** Random ids; the last `labelled` tokens carry loss (at most all but the first, which nothing predicts). */
export function randomExample(random: Random, length: number, labelled: number, vocabulary: number): Example {
  const ids = Array.from({ length }, () => random.integer(vocabulary));
  const from = Math.max(1, length - labelled);
  return { ids, labels: ids.map((id, t) => (t < from ? IGNORED : id)) };
}

export function labelledTokens(examples: readonly Example[]): number {
  return examples.reduce((sum, { labels }) => sum + labels.filter((label) => label !== IGNORED).length, 0);
}

export function countTokens(examples: readonly Example[]): number {
  return examples.reduce((sum, { ids }) => sum + ids.length, 0);
}
