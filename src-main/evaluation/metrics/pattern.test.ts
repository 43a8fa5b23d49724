import { expect, it } from 'vitest';
import { patternMetric } from './pattern.ts';

it('without a group is looked for in the answer', () => {
  const metric = patternMetric('^\\s*\\d+ stars?$');
  expect(metric(' 3 stars', [])).toBe(1);
  expect(metric('three stars', [])).toBe(0);
});

it('with a group compares what it holds', () => {
  const metric = patternMetric('#### (-?\\d+)');
  expect(metric('so it is #### 42', ['2 · 21 = #### 42'])).toBe(1);
  expect(metric('#### 42', ['42', '43'])).toBe(1);
  expect(metric('#### 41', ['#### 42'])).toBe(0);
  expect(metric('42', ['#### 42'])).toBe(0);
});

it('ends on a text that makes backtracking endless', () => {
  expect(patternMetric('(?:a+)+b')('a'.repeat(50_000), [])).toBe(0);
});

it('refuses what is no pattern', () => {
  expect(() => patternMetric('(')).toThrow(/pattern/);
  expect(() => patternMetric('(?=a)')).toThrow(/RE2/);
  expect(() => patternMetric('a'.repeat(3001))).toThrow(/3000/);
});
