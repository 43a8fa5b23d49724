/**
 * BLEU of a corpus (Papineni et al. 2002) as sacreBLEU defines it (Post 2018): tokenizer 13a, case kept, n-grams up to
 * 4, counts clipped by the best of several references, brevity by the reference closest in length, exponential
 * smoothing of orders without a match.
 */
const ORDERS = 4;

export interface BleuCounts {
  /** Clipped matches, and n-grams in the hypotheses, of orders 1 to 4. */
  matches: number[];
  totals: number[];
  hypothesisLength: number;
  referenceLength: number;
}

/** Between 0 and 100. references[i]: of hypothesis i, at least one. */
export function corpusBleu(hypotheses: string[], references: string[][]): number {
  const counts: BleuCounts = {
    matches: Array<number>(ORDERS).fill(0),
    totals: Array<number>(ORDERS).fill(0),
    hypothesisLength: 0,
    referenceLength: 0,
  };
  hypotheses.forEach((hypothesis, i) => addSentence(counts, tokenise13a(hypothesis), references[i]!.map(tokenise13a)));
  return bleuOf(counts);
}

export function bleuOf({ matches, totals, hypothesisLength, referenceLength }: BleuCounts): number {
  if (!matches.some((count) => count > 0)) return 0;
  let smooth = 1;
  let logs = 0;
  for (let order = 0; order < ORDERS; order++) {
    const total = totals[order]!;
    if (total === 0) return 0; // no hypothesis is that long
    if (matches[order] === 0) smooth *= 2;
    logs += Math.log(matches[order] === 0 ? 1 / (smooth * total) : matches[order]! / total) / ORDERS;
  }
  const brevity = hypothesisLength < referenceLength ? Math.exp(1 - referenceLength / hypothesisLength) : 1;
  return 100 * brevity * Math.exp(logs);
}

function addSentence(counts: BleuCounts, hypothesis: string[], references: string[][]): void {
  counts.hypothesisLength += hypothesis.length;
  const distance = (reference: string[]): number => Math.abs(reference.length - hypothesis.length);
  const closest = references.toSorted((a, b) => distance(a) - distance(b) || a.length - b.length)[0]!;
  counts.referenceLength += closest.length;
  for (let order = 1; order <= ORDERS; order++) {
    const allowed = new Map<string, number>();
    for (const reference of references)
      for (const [gram, count] of ngrams(reference, order)) allowed.set(gram, Math.max(allowed.get(gram) ?? 0, count));
    for (const [gram, count] of ngrams(hypothesis, order)) {
      counts.totals[order - 1]! += count;
      counts.matches[order - 1]! += Math.min(count, allowed.get(gram) ?? 0);
    }
  }
}

function ngrams(tokens: string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + order <= tokens.length; i++) {
    const gram = tokens.slice(i, i + order).join(' ');
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** mteval-v13a's rules: punctuation apart, but no period or comma inside a number. */
export function tokenise13a(text: string): string[] {
  const plain = text
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  const apart = ` ${plain} `
    .replace(/([{-~[-` -&(-+:-@/])/g, ' $1 ')
    .replace(/([^0-9])([.,])/g, '$1 $2 ')
    .replace(/([.,])([^0-9])/g, ' $1 $2')
    .replace(/([0-9])(-)/g, '$1 $2 ');
  return apart.split(/\s+/).filter((token) => token !== '');
}
