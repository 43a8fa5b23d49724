/**
 * Whether the longer answer is mostly the chosen one, by some of the pairs of a file: a model may then learn to write
 * more instead of better.
 */
import { toExample } from '../../datasets/examples.ts';
import type { RowIndex } from '../../datasets/rowIndex.ts';
import type { Survey } from '../../datasets/survey.ts';
import { TimeSlice } from '../../datasets/timeSlice.ts';
import type { LengthBias, RowContent } from '../../../src-shared/datasets.ts';

/** As many tell a share to about two hundredths. */
const MOST_PAIRS = 2000;
const MOST_POINTS = 400;

/** Rows that are no pairs are passed over. */
export async function lengthBias(index: RowIndex, { good, plan }: Survey): Promise<LengthBias> {
  const wanted = Math.min(good.count, MOST_PAIRS);
  const lengths: LengthBias['points'] = [];
  const slice = new TimeSlice();
  for (let i = 0; i < wanted; i++) {
    const place = Math.floor((i * good.count) / wanted);
    const example = toExample(index.row(good.index[place]!), plan);
    if (!('reason' in example) && example.rejected)
      lengths.push({ chosen: answerLength(example), rejected: answerLength(example.rejected) });
    if (slice.isOver()) await slice.pause();
  }
  const step = Math.max(1, Math.ceil(lengths.length / MOST_POINTS));
  return {
    total: good.count,
    pairs: lengths.length,
    longer: lengths.filter(({ chosen, rejected }) => chosen > rejected).length,
    shorter: lengths.filter(({ chosen, rejected }) => chosen < rejected).length,
    medianChosen: median(lengths.map(({ chosen }) => chosen)),
    medianRejected: median(lengths.map(({ rejected }) => rejected)),
    points: lengths.filter((_, i) => i % step === 0),
  };
}

/** Characters that carry loss, without space around them. */
function answerLength(content: RowContent): number {
  const texts = content.messages
    ? content.messages.filter(({ role, train }) => role === 'assistant' && train !== false).map((one) => one.content)
    : content.segments.filter(({ loss }) => loss).map(({ text }) => text);
  return texts.reduce((sum, text) => sum + text.trim().length, 0);
}

/** 0 of none. */
function median(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
