/**
 * Answers against references word for word: exactly, and as SQuAD compares them (Rajpurkar et al. 2016, section 6.1,
 * and its evaluate-v1.1.py). Of several references the best counts.
 */
import { words } from './ngrams.ts';

/** 1 where the answer is a reference, but for white space around both. */
export function exactMatch(answer: string, references: readonly string[]): number {
  return references.some((reference) => reference.trim() === answer.trim()) ? 1 : 0;
}

/** 1 where they are the same in lower case, without punctuation and the articles a, an and the. */
export function normalisedMatch(answer: string, references: readonly string[]): number {
  const own = normalised(answer);
  return references.some((reference) => normalised(reference) === own) ? 1 : 0;
}

/** F1 of the words that both have, each as often as in both; 0 to 1. */
export function tokenF1(answer: string, references: readonly string[]): number {
  const own = words(normalised(answer));
  return Math.max(0, ...references.map((reference) => f1(own, words(normalised(reference)))));
}

function normalised(text: string): string {
  const bare = text.toLowerCase().replace(/[!-/:-@[-`{-~]/g, '');
  return words(bare.replace(/(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu, ' ')).join(' ');
}

function f1(answer: readonly string[], reference: readonly string[]): number {
  // Neither says a word: they agree, as evaluate-v2.0.py has it.
  if (answer.length === 0 && reference.length === 0) return 1;
  const left = new Map<string, number>();
  for (const word of reference) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of answer) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    left.set(word, count - 1);
    common++;
  }
  return (2 * common) / (answer.length + reference.length);
}
