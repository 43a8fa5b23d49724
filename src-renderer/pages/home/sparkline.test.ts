import { expect, it } from 'vitest';
import { sparkPoints } from './sparkline.ts';

it.each([
  [
    'the highest loss is at the top, steps keep their distance',
    [
      [1, 4],
      [3, 2],
      [11, 3],
    ],
    '0,0 20,10 100,5',
  ],
  ['one value is a level line', [[7, 4]], '0,5 100,5'],
  [
    'equal values are a level line',
    [
      [1, 4],
      [2, 4],
    ],
    '0,5 100,5',
  ],
  ['nothing draws nothing', [], ''],
])('%s', (_name, line, want) =>
  expect(
    sparkPoints(
      line.map(([step, loss]) => ({ step: step!, loss: loss! })),
      100,
      10,
    ),
  ).toBe(want),
);
