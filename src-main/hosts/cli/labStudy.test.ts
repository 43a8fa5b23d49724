import { expect, it } from 'vitest';
import { methodSchema } from '../../../src-shared/methods/registry.ts';
import { readArgs } from './args.ts';
import { labStudy, studyPlan } from './labStudy.ts';

const plan = (...argv: string[]) =>
  studyPlan(readArgs(argv, labStudy.options, []), methodSchema.parse({ type: 'lora', targets: ['q'] }));

it.each([
  [['--plan', 'ranks'], { kind: 'ranks' }],
  [['--plan', 'ranks', '--ranks', '1,2,4-6'], { kind: 'ranks', ranks: [1, 2, 4, 5, 6] }],
  [['--plan', 'targets', '--budget', '9000'], { kind: 'targets', budget: 9000 }],
  [['--vary', 'lr=1e-3, 3e-3', '--vary', 'rank=4,8'], { kind: 'grid', vary: { lr: [0.001, 0.003], rank: [4, 8] } }],
  [
    ['--vary', 'targets=q,v;q,k,v,o', '--vary', 'packing=on,off', '--vary', 'schedule=cosine'],
    {
      kind: 'grid',
      vary: {
        targets: [
          ['q', 'v'],
          ['q', 'k', 'v', 'o'],
        ],
        packing: [true, false],
        schedule: ['cosine'],
      },
    },
  ],
  [['--vary', 'memory-limit=512'], { kind: 'grid', vary: { memoryLimitBytes: [512 * 2 ** 20] } }],
])('%j is a plan', (argv, want) => expect(plan(...argv)).toEqual(want));

it.each([
  [[], /--plan is missing; give one of targets, ranks, grid\./],
  [['--plan', 'ranks', '--budget', '3'], /--budget belongs to --plan targets; leave it out/],
  [['--vary', 'rank=1,2', '--vary', 'rank=4'], /--vary names rank twice; give all of its values in one list/],
  [['--vary', 'lr'], /give an option and its values, such as lr=1e-3,3e-3/],
  [['--vary', 'lr=fast'], /--lr "fast" is not valid; give a number/],
  [['--vary', 'schedule=steep'], /--schedule "steep" is not valid; give one of linear, cosine, constant/],
])('%j is refused', (argv, sentence) => expect(() => plan(...argv)).toThrow(sentence));
