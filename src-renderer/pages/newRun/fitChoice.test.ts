/** What Graft chooses by itself, in words, and what the user sets. */
import { describe, expect, it } from 'vitest';
import type { FitResult, FitRow } from '../../../src-shared/plan.ts';
import { freshDraft } from './draft.ts';
import { choiceOf, choiceText, enteredFit, enterFit } from './fitChoice.ts';

const SETTINGS = {
  baseDtype: 'f32',
  embeddingDtype: 'f32',
  batch: 8,
  accumulate: 1,
  gradientCheckpointing: false,
  maxLength: 512,
} as const;
const ROW: FitRow = { ...SETTINGS, totalBytes: 5e9, fits: true, slower: 1, lossError: 0 };
const fitWith = (chosen: FitRow | null, binds = true): FitResult => ({
  limitBytes: 7.2 * 2 ** 30,
  asked: { ...SETTINGS, totalBytes: 9e9, binds },
  chosen,
  rows: [],
});
const NF4: FitRow = {
  ...ROW,
  baseDtype: 'nf4',
  embeddingDtype: 'int8',
  batch: 1,
  accumulate: 8,
  gradientCheckpointing: true,
  slower: 4 / 3,
};
const room = (heldBytes: number | null) => ({
  totalBytes: 16e9,
  heldBytes,
  freeBytes: 7.2 * 2 ** 30,
  mostBytes: 15.2e9,
  source: 'the system',
});

describe('a choice', () => {
  it('is none where the run fits as it is, or nothing does', () => {
    expect(choiceOf(fitWith(ROW))).toBeUndefined();
    expect(choiceOf(fitWith(null))).toBeUndefined();
  });

  it('says in one sentence for what it was made, and what it changed', () => {
    expect(choiceText(choiceOf(fitWith(NF4))!, room(8.8e9))).toBe(
      'To fit into the 7.2 GiB that are free: base in nf4, embeddings int8; 1 row at a time, 8 times per step; ' +
        'blocks computed again for the gradient.',
    );
    const fewer = choiceOf(fitWith({ ...ROW, batch: 4, accumulate: 2 }, false))!;
    expect(choiceText(fewer, room(0))).toBe(
      'So that every buffer is one that the graphics card can bind: 4 rows at a time, 2 times per step.',
    );
    expect(choiceText(choiceOf(fitWith(NF4))!, room(null))).toMatch(
      /^To fit into the 7\.2 GiB that this run may take: /,
    );
  });
});

describe('what the user sets', () => {
  it('is written into the draft, and marked; accumulation goes with the batch', () => {
    const draft = freshDraft();
    enterFit(draft, { batch: 2, accumulate: 4 });
    enterFit(draft, { maxLength: undefined });
    enterFit(draft, { accumulate: 3 });
    expect(enteredFit(draft)).toEqual({ ...SETTINGS, batch: 2, accumulate: 3, maxLength: undefined });
    expect(draft.byHand).toEqual(['batch', 'maxLength']);
  });

  it('is not touched by what is not set', () => {
    const draft = freshDraft();
    enterFit(draft, { baseDtype: 'int8' });
    expect(enteredFit(draft)).toEqual({ ...enteredFit(freshDraft()), baseDtype: 'int8' });
    expect(draft.byHand).toEqual(['baseDtype']);
  });
});
