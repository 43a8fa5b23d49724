/** What a run, a trial of it and an evaluation say of their rows, so that nothing is left out or cut without a word. */
import { spelledText, unusedText } from '../../src-shared/datasets.ts';
import { counted } from '../../src-shared/plural.ts';
import { badRowsText, type PreparedDataset } from './dataset.ts';

/** `limitedByModel`: the model sees fewer tokens than the maximum length that was asked for. */
export function rowNotes(
  prepared: PreparedDataset,
  { limitedByModel, controlTokens }: { limitedByModel: boolean; controlTokens: boolean },
): string[] {
  const { maxLength, stats, bad, unused, controlTokenRows } = prepared;
  const notes: string[] = [];
  if (limitedByModel) notes.push(`Rows are cut at ${maxLength} tokens, the longest that this model can see.`);
  if (stats.truncated > 0) notes.push(`Cut at ${counted(maxLength, 'token')}: ${counted(stats.truncated, 'row')}.`);
  if (bad.length > 0) notes.push(`Left out: ${badRowsText(prepared)}`);
  if (unused.length > 0) notes.push(`Not used: ${unusedText(unused)}.`);
  if (controlTokenRows > 0) notes.push(`${spelledText(controlTokenRows, controlTokens ? 'tokens' : 'text')}.`);
  return notes;
}
