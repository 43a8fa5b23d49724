/**
 * BLEU = BP · exp(Σ log p_n / 4) with n-grams up to 4 (Papineni et al. 2002, eq. 3), as sacreBLEU defines it (Post
 * 2018): the tokenizer 13a, and precisions without a match smoothed by halving (`exp`, Chen and Cherry 2014, method 3).
 */
import { matches, total, wordNgrams } from './ngrams.ts';
import { tokenize13a } from './tokenizer13a.ts';

const ORDERS = [1, 2, 3, 4] as const;

/**
 * What one answer adds to a corpus: its length, that of the reference, matches by order, n-grams by order. A reference
 * may be empty: it then is none.
 */
export function bleuStatistics(answer: string, references: readonly string[]): number[] {
  const own = tokenize13a(answer);
  const others = references.filter((reference) => reference !== '').map(tokenize13a);
  const matched = ORDERS.map((order) => matches(wordNgrams(own, order), mostOf(others, order)));
  const totals = ORDERS.map((order) => total(wordNgrams(own, order)));
  return [own.length, closestLength(own.length, others), ...matched, ...totals];
}

/** 0 to 100 of the sums of bleuStatistics; 0 without any match. `effectiveOrder`: of a single short answer. */
export function bleuScore(sums: ArrayLike<number>, { effectiveOrder = false } = {}): number {
  const [answerLength = 0, referenceLength = 0] = [sums[0], sums[1]];
  const matched = ORDERS.map((_, i) => sums[2 + i]!);
  const totals = ORDERS.map((_, i) => sums[2 + ORDERS.length + i]!);
  if (answerLength === 0 || matched.every((count) => count === 0)) return 0;
  let halvings = 1;
  let orders = 0;
  let logs = 0;
  for (const [i, count] of totals.entries()) {
    if (count === 0) break;
    orders++;
    logs += Math.log(matched[i]! > 0 ? matched[i]! / count : 1 / ((halvings *= 2) * count));
  }
  if (orders < ORDERS.length && !effectiveOrder) return 0;
  const brevity = answerLength < referenceLength ? Math.exp(1 - referenceLength / answerLength) : 1;
  return 100 * brevity * Math.exp(logs / orders);
}

/** Each n-gram as often as in the reference that has it most often. */
function mostOf(references: readonly string[][], order: number): Map<string, number> {
  const most = new Map<string, number>();
  for (const reference of references)
    for (const [ngram, count] of wordNgrams(reference, order)) most.set(ngram, Math.max(count, most.get(ngram) ?? 0));
  return most;
}

/** Length of the reference that is closest, of two the shorter; 0 without one. */
function closestLength(length: number, references: readonly string[][]): number {
  const lengths = references.map((reference) => reference.length);
  return lengths.sort((a, b) => Math.abs(a - length) - Math.abs(b - length) || a - b)[0] ?? 0;
}
