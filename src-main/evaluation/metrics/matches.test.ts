import { describe, expect, it } from 'vitest';
import { exactMatch, normalisedMatch, tokenF1 } from './matches.ts';

describe('exact match', () => {
  it('minds everything but white space around the texts', () => {
    expect(exactMatch(' Paris\n', ['London', '\nParis'])).toBe(1);
    expect(exactMatch('paris', ['Paris'])).toBe(0);
    expect(exactMatch('Paris.', ['Paris'])).toBe(0);
    expect(exactMatch('', [])).toBe(0);
  });
});

describe('normalised match', () => {
  it('minds neither case nor punctuation, articles and white space', () => {
    expect(normalisedMatch('The  Eiffel-Tower!', ['eiffeltower'])).toBe(1);
    expect(normalisedMatch('an apple, a pear and the plum', ['apple pear and plum'])).toBe(1);
    expect(normalisedMatch('theatre', ['atre'])).toBe(0);
    expect(normalisedMatch('señor a', ['señor'])).toBe(1);
    expect(normalisedMatch('one', ['two'])).toBe(0);
  });
});

describe('token F1', () => {
  it('is 2 · common / (both), by hand', () => {
    // cat sat on mat (4) beside cat on mat (3): three in common
    expect(tokenF1('The cat sat on the mat.', ['a cat on a mat'])).toBeCloseTo(6 / 7, 12);
    // a word counts as often as both have it: one "no" of two
    expect(tokenF1('no no', ['no yes maybe'])).toBeCloseTo(2 / 5, 12);
    expect(tokenF1('red', ['blue', 'red car'])).toBeCloseTo(2 / 3, 12);
    expect(tokenF1('red', ['blue'])).toBe(0);
    expect(tokenF1('the', ['a'])).toBe(1);
    expect(tokenF1('', ['word'])).toBe(0);
  });
});
