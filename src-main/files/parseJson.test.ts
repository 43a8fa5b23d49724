import { expect, it } from 'vitest';
import { parseJson } from './parseJson.ts';

const nested = (depth: number): string => '[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2);

it.each([
  ['{"a": [1, "b"]}', { a: [1, 'b'] }],
  [' 7 ', 7],
  // Brackets and quotes in texts are no nesting.
  [JSON.stringify('[{'.repeat(5000) + '"\\'), '[{'.repeat(5000) + '"\\'],
  [JSON.stringify([['\\"'.repeat(300)], '[[[']), [['\\"'.repeat(300)], '[[[']],
])('reads %.40s', (text, value) => expect(parseJson(text)).toEqual({ value }));

it('follows 200 levels and not one more', () => {
  expect(parseJson(nested(200))).toHaveProperty('value');
  expect(parseJson(`[${nested(200)}]`)).toEqual({ problem: 'is nested more than 200 levels deep' });
  expect(parseJson('['.repeat(2e6))).toEqual({ problem: 'is nested more than 200 levels deep' });
});

it.each([
  ['{"a":\n  1,}', 'is not valid JSON (line 2, column 5)'],
  ['{"a', 'is not valid JSON (line 1, column 4)'],
  ['', 'is not valid JSON'],
  ['nonsense', 'is not valid JSON'],
])('says where %j is wrong', (text, problem) => expect(parseJson(text)).toEqual({ problem }));
