/** What a run, a trial of it and an evaluation say of their rows, so that nothing is left out or cut without a word. */
import { spelledText, unusedText } from '../../src-shared/datasets.ts';
import { counted } from '../../src-shared/plural.ts';
import { badRowsText, type PreparedDataset } from './dataset.ts';
import type { RowList } from './tokens/rowList.ts';

/** `limitedByModel`: the model sees fewer tokens than the maximum length that was asked for. */
export function rowNotes(
  prepared: PreparedDataset<RowList>,
  { limitedByModel, controlTokens }: { limitedByModel: boolean; controlTokens: boolean },
): string[] {
  const { maxLength, bad, unused } = prepared;
  const notes: string[] = [];
  if (limitedByModel) notes.push(`Rows are cut at ${maxLength} tokens, the longest that this model can see.`);
  notes.push(...cutNotes(prepared));
  if (bad.length > 0) notes.push(`Left out: ${badRowsText(prepared)}`);
  if (unused.length > 0) notes.push(`Not used: ${unusedText(unused)}.`);
  notes.push(...controlNotes(prepared, controlTokens));
  return notes;
}

/** Those of rowNotes that only the tokens of all rows tell. */
export function lengthNotes(prepared: Tokenised, controlTokens: boolean): string[] {
  return [...cutNotes(prepared), ...controlNotes(prepared, controlTokens)];
}

type Tokenised = Pick<PreparedDataset<RowList>, 'maxLength' | 'stats' | 'controlTokenRows'>;

function cutNotes({ maxLength, stats }: Tokenised): string[] {
  if (stats.truncated === 0) return [];
  return [`Cut at ${counted(maxLength, 'token')}: ${counted(stats.truncated, 'row')}.`];
}

function controlNotes({ controlTokenRows }: Tokenised, controlTokens: boolean): string[] {
  return controlTokenRows > 0 ? [`${spelledText(controlTokenRows, controlTokens ? 'tokens' : 'text')}.`] : [];
}
