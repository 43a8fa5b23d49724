/** Examples that sacreBLEU publishes in its README and its own tests. */
import { describe, expect, it } from 'vitest';
import { bleuOf, corpusBleu, tokenise13a } from './bleu.ts';

const HYPOTHESES = ['The dog bit the man.', "It wasn't surprising.", 'The man had just bitten him.'];
const REFERENCES = [
  ['The dog bit the man.', 'The dog had bit the man.'],
  ['It was not unexpected.', 'No one was surprised.'],
  ['The man bit him first.', 'The man had bitten the dog.'],
];

describe('BLEU', () => {
  it('of the README example with two references', () =>
    expect(corpusBleu(HYPOTHESES, REFERENCES)).toBeCloseTo(48.530827, 6));
  it('of nothing is 0', () => expect(corpusBleu(['', '', ''], REFERENCES)).toBe(0));
  it('of the reference itself is 100', () =>
    expect(corpusBleu(['The dog bit the man.'], [['The dog bit the man.']])).toBeCloseTo(100, 10));
  it('from published counts', () =>
    expect(
      bleuOf({ matches: [9, 7, 5, 3], totals: [10, 8, 6, 4], hypothesisLength: 11, referenceLength: 11 }),
    ).toBeCloseTo(83.75922397, 8));
  it('smooths orders without a match exponentially', () => {
    const hypothesis = 'Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;';
    expect(corpusBleu([hypothesis], [['producţia de zahăr brut se exprimă în zahăr alb;']])).toBeCloseTo(8.493, 3);
  });
  it('is 0 where no word matches', () => expect(corpusBleu(['this is a cat'], [['okay thanks']])).toBe(0));
});

it('13a keeps numbers whole and sets other punctuation apart', () => {
  expect(tokenise13a('It cost $3.50, or 1,000 (&lt;5-6).')).toEqual([
    'It',
    'cost',
    '$',
    '3.50',
    ',',
    'or',
    '1,000',
    '(',
    '<',
    '5',
    '-',
    '6',
    ')',
    '.',
  ]);
});
