/** Values of sacreBLEU's own tests (test/test_bleu.py, test/test_sentence_bleu.py) and of its README. */
import { describe, expect, it } from 'vitest';
import { bleuScore, bleuStatistics } from './bleu.ts';
import { tokenize13a } from './tokenizer13a.ts';

const ANSWERS = ['The dog bit the man.', "It wasn't surprising.", 'The man had just bitten him.'];
const REFERENCES = [
  ['The dog bit the man.', 'The dog had bit the man.'],
  ['It was not unexpected.', 'No one was surprised.'],
  ['The man bit him first.', 'The man had bitten the dog.'],
];

function sums(answers: readonly string[], references: readonly string[][]): number[] {
  const rows = answers.map((answer, i) => bleuStatistics(answer, references[i]!));
  return rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0));
}

describe('BLEU', () => {
  it('of a corpus with two references a sentence is what sacreBLEU says', () => {
    const all = sums(ANSWERS, REFERENCES);
    expect(bleuScore(all)).toBeCloseTo(48.530827, 6);
    // 82.4/50.0/45.5/37.5 (BP = 0.943 ratio = 0.944 hyp_len = 17 ref_len = 18)
    expect(all.slice(0, 2)).toEqual([17, 18]);
    const precisions = all.slice(2, 6).map((matched, i) => ((100 * matched) / all[6 + i]!).toFixed(1));
    expect(precisions).toEqual(['82.4', '50.0', '45.5', '37.5']);
  });

  it('counts the words of an answer beside which no reference stands, and the reference of the nearest length', () => {
    expect(bleuStatistics('a b c', ['', ''])).toEqual([3, 0, 0, 0, 0, 0, 3, 2, 1, 0]);
    // Of two equally near the shorter; an n-gram counts as often as in the reference that has it most often.
    expect(bleuStatistics('a a b', ['a a', 'a b b b'])).toEqual([3, 2, 3, 2, 0, 0, 3, 2, 1, 0]);
  });

  it('of empty answers is 0', () => {
    expect(bleuScore(sums(['', '', ''], REFERENCES))).toBe(0);
  });

  it('of counts is what compute_bleu says', () => {
    expect(bleuScore([11, 11, 9, 7, 5, 3, 10, 8, 6, 4])).toBeCloseTo(83.75922397, 7);
    for (const counts of [
      [0, 1, 0, 0, 0, 0, 4, 4, 2, 1],
      [14, 10, 0, 0, 0, 0, 10, 11, 12, 0],
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [1, 5, 0, 0, 0, 0, 0, 0, 0, 0],
    ])
      expect(bleuScore(counts)).toBe(0);
  });

  it('of one sentence uses the orders that it has', () => {
    const answer = 'Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;';
    const statistics = bleuStatistics(answer, ['producţia de zahăr brut se exprimă în zahăr alb;']);
    expect(Math.abs(bleuScore(statistics, { effectiveOrder: true }) - 8.493)).toBeLessThan(1e-3);
    expect(bleuScore(bleuStatistics('this is a cat', ['okay thanks']), { effectiveOrder: true })).toBe(0);
    // test_case_effective_order, whose words are all matched, so that no smoothing enters
    expect(bleuScore(bleuStatistics('test', ['a test']), { effectiveOrder: true })).toBeCloseTo(36.78794411714425, 9);
    expect(bleuScore(bleuStatistics('a test', ['a test']), { effectiveOrder: true })).toBeCloseTo(100, 9);
    expect(bleuScore(bleuStatistics('a test', ['a test']))).toBe(0);
  });
});

it('13a splits punctuation, but not the points and commas of numbers, and undoes escapes', () => {
  expect(tokenize13a("Hello, world! (1,000.5 &quot;x&quot;) 3-4 it's e-mail.")).toEqual([
    'Hello',
    ',',
    'world',
    '!',
    '(',
    '1,000.5',
    '"',
    'x',
    '"',
    ')',
    '3',
    '-',
    '4',
    "it's",
    'e-mail',
    '.',
  ]);
  expect(tokenize13a('a line-\nbreak &amp;lt; <skipped>end\n')).toEqual(['a', 'linebreak', '<', 'end']);
});
