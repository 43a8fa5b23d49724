/** Prompts with answers to other ones, from which KTO learns how far a model has left its reference (TRL's rule). */
import { Random } from '../../src-shared/random.ts';
import { groupsOf, type RowList } from './tokens/rowList.ts';
import { IGNORED, type TokenisedExample } from './types.ts';

/** Rows that are tried before one with the same prompt is taken. */
const MOST_TRIED = 16;

/** For each row the number of another one, which has another prompt where there is one nearby; the same for a seed. */
export function otherRows(rows: RowList, seed: number): Int32Array {
  const order = Random.stream(seed, 'other answers').shuffle(Array.from({ length: rows.length }, (_, row) => row));
  const groups = groupsOf(rows);
  const others = new Int32Array(rows.length);
  order.forEach((row, place) => {
    const candidates = Array.from(
      { length: Math.min(MOST_TRIED, rows.length) },
      (_, i) => order[(place + i + 1) % rows.length]!,
    );
    others[row] = candidates.find((other) => groups[other] !== groups[row]) ?? candidates[0]!;
  });
  return others;
}

/** The prompt of one row and the answer of another, cut at `maxLength` tokens; one of them is the answer's at least. */
export function withOtherAnswer(
  own: Pick<TokenisedExample, 'ids' | 'labels'>,
  other: Pick<TokenisedExample, 'ids' | 'labels'>,
  maxLength: number,
): Pick<TokenisedExample, 'ids' | 'labels'> {
  const prompt = own.ids.subarray(0, Math.min(firstLabel(own), maxLength - 1));
  const answer = other.ids.subarray(firstLabel(other), firstLabel(other) + maxLength - prompt.length);
  const labels = other.labels.subarray(firstLabel(other), firstLabel(other) + answer.length);
  return {
    ids: Int32Array.from([...prompt, ...answer]),
    labels: Int32Array.from([...prompt.map(() => IGNORED), ...labels]),
  };
}

function firstLabel({ labels }: Pick<TokenisedExample, 'labels'>): number {
  return labels.findIndex((label) => label !== IGNORED);
}
