/**
 * ROUGE-L: F = 2PR / (P + R) of the longest common subsequence of words (Lin 2004, section 3.1, with β = 1, as
 * google-research's rouge_score): P = LCS / words of the answer, R = LCS / words of the reference. Words are runs of
 * letters and digits of any script in lower case, unstemmed; of several references the best counts.
 */

/** Words of a text that are compared; the time of the comparison grows with their square. */
const MOST_WORDS = 4000;

/** 0 to 1. */
export function rougeL(answer: string, references: readonly string[]): number {
  const own = rougeWords(answer);
  return Math.max(0, ...references.map((reference) => fMeasure(own, rougeWords(reference))));
}

function rougeWords(text: string): string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).slice(0, MOST_WORDS);
}

function fMeasure(answer: readonly string[], reference: readonly string[]): number {
  const common = longestCommon(answer, reference);
  return common === 0 ? 0 : (2 * common) / (answer.length + reference.length);
}

/** Length of the longest common subsequence, of words as numbers. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  const numbers = new Map<string, number>();
  const numbered = (words: readonly string[]): Int32Array =>
    Int32Array.from(words, (word) => {
      const number = numbers.get(word) ?? numbers.size;
      numbers.set(word, number);
      return number;
    });
  const [own, other] = [numbered(a), numbered(b)];
  // lengths[j]: of the words so far beside the first j of the other text.
  const lengths = new Int32Array(other.length + 1);
  for (const word of own) {
    let diagonal = 0;
    for (let j = 1; j <= other.length; j++) {
      const above = lengths[j]!;
      lengths[j] = word === other[j - 1] ? diagonal + 1 : Math.max(above, lengths[j - 1]!);
      diagonal = above;
    }
  }
  return lengths[other.length]!;
}
