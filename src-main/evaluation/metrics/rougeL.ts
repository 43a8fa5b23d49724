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

/** Length of the longest common subsequence. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  let before = new Int32Array(b.length + 1);
  for (const word of a) {
    const row = new Int32Array(b.length + 1);
    for (let j = 0; j < b.length; j++) row[j + 1] = word === b[j] ? before[j]! + 1 : Math.max(row[j]!, before[j + 1]!);
    before = row;
  }
  return before[b.length]!;
}
