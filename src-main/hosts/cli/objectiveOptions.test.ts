import { expect, it } from 'vitest';
import { readArgs } from './args.ts';
import { OBJECTIVE_OPTIONS, readObjective } from './objectiveOptions.ts';

const read = (...argv: string[]): unknown => readObjective(readArgs(argv, OBJECTIVE_OPTIONS, []));

it.each([
  [[], undefined],
  [['--objective', 'dpo'], { type: 'dpo', beta: 0.1, loss: 'sigmoid', labelSmoothing: 0 }],
  [['--objective', 'dpo', '--beta', '0.3', '--pair-smoothing', '0.1'], { type: 'dpo', beta: 0.3, labelSmoothing: 0.1 }],
  [['--objective', 'ipo', '--beta', '0.5'], { type: 'dpo', beta: 0.5, loss: 'ipo' }],
  [['--objective', 'orpo', '--lambda', '0.2', '--orpo-loss-on', 'all'], { type: 'orpo', lambda: 0.2, lossOn: 'all' }],
  [['--objective', 'simpo', '--gamma', '1'], { type: 'simpo', beta: 2, gamma: 1 }],
  [
    ['--objective', 'kto', '--good-weight', '2', '--reference-point', 'zero'],
    { type: 'kto', beta: 0.1, desirableWeight: 2, undesirableWeight: 1, referencePoint: 'zero' },
  ],
])('%j', (argv, want) => {
  const got = read(...argv);
  if (want === undefined) expect(got).toBeUndefined();
  else expect(got).toMatchObject(want);
});

it.each([
  [['--beta', '1'], /^--beta means nothing without --objective; .* --objective dpo or simpo or kto\.$/],
  [['--objective', 'dpo', '--lambda', '1'], /^--lambda does not belong to the objective dpo; .* --objective orpo\.$/],
  [['--objective', 'orpo', '--gamma', '1'], /^--gamma does not belong to the objective orpo/],
  [['--objective', 'rlhf'], /^--objective "rlhf" is not valid; give one of dpo, orpo, simpo, kto, ipo\.$/],
  [['--objective', 'dpo', '--beta', '0'], /^--objective dpo: beta: .*; correct it\.$/],
  [['--objective', 'ipo', '--dpo-loss', 'sigmoid'], /leave --dpo-loss out/],
  [['--objective', 'ipo', '--pair-smoothing', '0.1'], /^--objective ipo: labelSmoothing: IPO knows no flipped pairs/],
])('%j is refused in a sentence', (argv, sentence) => expect(() => read(...argv)).toThrow(sentence));
