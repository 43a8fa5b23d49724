/** Counts of n-grams, as BLEU and chrF need them. */

/** How often each run of `order` words occurs. The words hold no white space. */
export function wordNgrams(words: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + order <= words.length; i++) add(counts, words.slice(i, i + order).join(' '));
  return counts;
}

const SURROGATE = /[\ud800-\udfff]/;

/** How often each run of `order` characters (code points) occurs. */
export function characterNgrams(text: string, order: number): Map<string, number> {
  const counts = new Map<string, number>();
  if (SURROGATE.test(text)) {
    const characters = [...text];
    for (let i = 0; i + order <= characters.length; i++) add(counts, characters.slice(i, i + order).join(''));
  } else for (let i = 0; i + order <= text.length; i++) add(counts, text.slice(i, i + order)); // ten times as fast
  return counts;
}

export function total(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}

/** Of the n-grams of `a`, those that `b` has too, each counted as often as it is in both. */
export function matches(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [ngram, count] of a) sum += Math.min(count, b.get(ngram) ?? 0);
  return sum;
}

/** Split at white space, without empty words. */
export function words(text: string): string[] {
  return text.split(/\s+/u).filter((word) => word !== '');
}

function add(counts: Map<string, number>, ngram: string): void {
  counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
}
