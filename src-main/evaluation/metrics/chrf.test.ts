/** Values of sacreBLEU's tests (test/test_chrf.py, with effective order) and README, and of Hugging Face's docs. */
import { describe, expect, it } from 'vitest';
import { chrfScore, chrfStatistics, type ChrfOptions } from './chrf.ts';

function corpus(answers: readonly string[], references: readonly string[][], options: ChrfOptions = {}): number {
  const rows = answers.map((answer, i) => chrfStatistics(answer, references[i]!, options));
  const sums = rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0));
  return chrfScore(sums, options);
}

describe('chrF', () => {
  it.each([
    [['a'], ['a'], 100],
    [[''], ['reference'], 0],
    [['a b c'], ['a b c'], 100],
    [['a b c'], ['abc'], 100],
    [[''], ['c'], 0],
    [['a', 'b'], ['a', 'c'], 50],
    [['aa'], ['ab'], 25],
    [['abcdefg'], ['hijklmnop'], 0],
    [
      [' Die    Beziehung zwischen  Obama und Netanjahu ist nicht gerade  freundlich. '],
      ['Das Verhältnis zwischen Obama und Netanyahu ist nicht gerade freundschaftlich.'],
      64.130269831561459,
    ],
    [
      [
        ' risk assessment must be made of those who are qualified and expertise in the sector - these are the ' +
          'scientists .',
      ],
      [
        'risk assessment has to be undertaken by those who are qualified and expert in that area - that is the ' +
          'scientists .',
      ],
      63.361730303214769,
    ],
  ])('of %j beside %j with beta 3 is %d', (answers, references, want) => {
    const each = references.map((reference) => [reference]);
    expect(corpus(answers, each, { beta: 3 })).toBeCloseTo(want, 9);
  });

  it('takes the best of several references', () => {
    const answers = ['The dog bit the man.', "It wasn't surprising.", 'The man had just bitten him.'];
    const references = [
      ['The dog bit the man.', 'The dog had bit the man.'],
      ['It was not unexpected.', 'No one was surprised.'],
      ['The man bit him first.', 'The man had bitten the dog.'],
    ];
    expect(corpus(answers, references).toFixed(2)).toBe('59.73');
  });

  it('with pairs of words is chrF++', () => {
    const answers = [
      'The relationship between cats and dogs is not exactly friendly.',
      'a good bookshop is just a genteel black hole that knows how to read.',
    ];
    const references = [
      ['The relationship between dogs and cats is not exactly friendly.'],
      ['A good bookshop is just a genteel Black Hole that knows how to read.'],
    ];
    expect(corpus(answers, references)).toBeCloseTo(84.64214891738334, 9);
    expect(corpus(answers, references, { wordOrder: 2 })).toBeCloseTo(82.87263732906315, 9);
  });

  it('counts characters, not the halves that UTF-16 makes of some', () => {
    // One of two characters is the same, and no pair: precision and recall 1/2 and 0, over two orders 1/4.
    expect(corpus(['😀b'], [['😀c']])).toBeCloseTo(25, 9);
    expect(corpus(['ab'], [['ac']])).toBeCloseTo(25, 9);
  });

  it('without references is 0', () => {
    expect(corpus(['x'], [[]])).toBe(0);
  });
});
