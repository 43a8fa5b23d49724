import { describe, expect, it } from 'vitest';
import { FirstSeen } from './firstSeen.ts';

describe('FirstSeen', () => {
  it('gives what a Map would give, up to the last text it has room for', () => {
    const texts = Array.from({ length: 5000 }, (_, i) => `text ${(i * 7919) % 3000}`);
    const seen = new FirstSeen(3000);
    const known = new Map<string, number>();
    for (const [i, text] of texts.entries()) {
      if (!known.has(text)) known.set(text, i);
      expect(seen.note(text, i)).toBe(known.get(text));
    }
    expect(known.size).toBe(3000);
  });

  it('tells texts apart that differ in a space only, and takes the empty one', () => {
    const seen = new FirstSeen(3);
    expect(['', ' ', '', '  ', ' '].map((text, i) => seen.note(text, i))).toEqual([0, 1, 0, 3, 1]);
  });
});
