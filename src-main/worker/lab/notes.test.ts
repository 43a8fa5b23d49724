/** What is said of a new adapter, and what is not worth a word. */
import { expect, it } from 'vitest';
import type { Examined } from './adapters.ts';
import { cutNotes, endTokenNotes, fewerRanksNotes } from './notes.ts';

it('wide updates without factors, and ranks that are not there', () => {
  expect(cutNotes([{ in: 512, out: 4096 }])).toEqual([]);
  expect(cutNotes([{ in: 513, out: 4096 }])).toEqual([
    'One update without factors is wider than 512, so only the 64 largest singular values are taken.',
  ]);
  expect(fewerRanksNotes(undefined, [1])).toEqual([]);
  expect(fewerRanksNotes(4, [4, 4])).toEqual([]);
  expect(fewerRanksNotes(8, [4, 8])).toEqual([
    '1 matrix of 2 got fewer than 8 ranks, since the updates there have no more.',
  ]);
});

it('end tokens that only a later adapter has', () => {
  const taught = (...texts: string[]): Examined => ({
    dir: '',
    sizeBytes: 0,
    graft: {
      format: 1,
      baseHash: '',
      baseName: '',
      task: '',
      runId: '',
      createdAt: '',
      endTokens: texts.map((text) => ({ id: text.length, text })),
    },
    beside: { biases: new Map() },
    updates: [],
    notes: [],
  });
  const [one, other] = [taught('</s>'), taught('</s>', '<end>')];
  expect(endTokenNotes(one.graft, [one, one])).toEqual([]);
  expect(endTokenNotes(other.graft, [other, one])).toEqual([]);
  expect(endTokenNotes(one.graft, [one, other])).toEqual([
    'Answers end where the first adapter\'s do; end tokens of others are left out: "<end>".',
  ]);
});
