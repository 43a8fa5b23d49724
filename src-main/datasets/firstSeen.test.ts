import { describe, expect, it } from 'vitest';
import { FirstSeen } from './firstSeen.ts';

describe('FirstSeen', () => {
  it('gives what a Map would give, however many texts there are', () => {
    const texts = Array.from({ length: 50_000 }, (_, i) => `text ${(i * 7919) % 30_000}`);
    const seen = new FirstSeen();
    const known = new Map<string, number>();
    for (const [i, text] of texts.entries()) {
      if (!known.has(text)) known.set(text, i);
      if (seen.note(text, i) !== known.get(text)) throw new Error(`"${text}" was noted as something else`);
    }
    expect(known.size).toBe(30_000);
  });

  it('tells texts apart that differ in a space only, and takes the empty one', () => {
    const seen = new FirstSeen();
    expect(['', ' ', '', '  ', ' '].map((text, i) => seen.note(text, i))).toEqual([0, 1, 0, 3, 1]);
  });
});
