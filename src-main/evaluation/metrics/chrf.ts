/**
 * chrF = (1 + β²) · chrP · chrR / (β² · chrP + chrR), precision and recall of character n-grams up to 6 averaged over
 * the orders that both texts have (Popović 2015, eq. 1), as sacreBLEU defines it: white space left out, β = 2, of
 * several references the best. chrF++ adds words and pairs of words (Popović 2017).
 */
import { characterNgrams, matches, total, wordNgrams, words } from './ngrams.ts';

export interface ChrfOptions {
  /** Longest run of words; 0 for chrF, 2 for chrF++. */
  wordOrder?: number;
  /** How many times as much recall counts as precision. */
  beta?: number;
}

const CHARACTER_ORDER = 6;
const PUNCTUATION = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');

/**
 * What one answer adds to a corpus, beside the reference that it is most like: by order the n-grams of the answer, of
 * the reference, and of both.
 */
export function chrfStatistics(answer: string, references: readonly string[], options: ChrfOptions = {}): number[] {
  const own = ngramsOf(answer, options);
  const all = references.map((reference) => countsOf(own, ngramsOf(reference, options)));
  const scores = all.map((counts) => chrfScore(counts, options));
  return all[scores.indexOf(Math.max(...scores))] ?? own.flatMap(() => [0, 0, 0]);
}

/** 0 to 100 of the sums of chrfStatistics. */
export function chrfScore(sums: ArrayLike<number>, { beta = 2 }: ChrfOptions = {}): number {
  let [precision, recall, orders] = [0, 0, 0];
  for (let i = 0; i < sums.length; i += 3) {
    const [own, reference, both] = [sums[i]!, sums[i + 1]!, sums[i + 2]!];
    if (own === 0 || reference === 0) continue;
    precision += both / own;
    recall += both / reference;
    orders++;
  }
  if (precision + recall === 0) return 0;
  const factor = beta ** 2;
  return (100 * (1 + factor) * precision * recall) / ((factor * precision + recall) * orders);
}

function ngramsOf(text: string, { wordOrder = 0 }: ChrfOptions): Map<string, number>[] {
  const characters = words(text).join('');
  const parts = wordOrder > 0 ? words(text).flatMap(withoutPunctuation) : [];
  return [
    ...Array.from({ length: CHARACTER_ORDER }, (_, i) => characterNgrams(characters, i + 1)),
    ...Array.from({ length: wordOrder }, (_, i) => wordNgrams(parts, i + 1)),
  ];
}

/** One mark at the end of a word, else one at its beginning, is a word of its own. */
function withoutPunctuation(word: string): string[] {
  const characters = [...word];
  const [first = '', last = ''] = [characters[0], characters.at(-1)];
  if (characters.length === 1) return [word];
  if (PUNCTUATION.has(last)) return [characters.slice(0, -1).join(''), last];
  return PUNCTUATION.has(first) ? [first, characters.slice(1).join('')] : [word];
}

/** An order that the reference does not reach counts for neither. */
function countsOf(own: readonly Map<string, number>[], reference: readonly Map<string, number>[]): number[] {
  return own.flatMap((counts, i) => {
    const others = reference[i]!;
    return [others.size > 0 ? total(counts) : 0, total(others), matches(counts, others)];
  });
}
