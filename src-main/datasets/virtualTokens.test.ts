import { expect, it } from 'vitest';
import { virtualPrompt, withVirtualTokens } from './virtualTokens.ts';

it('puts the prefix in front and the infix right before the answer, without loss', () => {
  const row = { ids: Int32Array.of(5, 6, 7, 8), labels: Int32Array.of(-100, -100, 7, 8), line: 3 };
  const { ids, labels, line } = withVirtualTokens(row, { prefix: 2, infix: 1, vocab: 100 });
  expect([...ids]).toEqual([100, 101, 5, 6, 102, 7, 8]);
  expect([...labels]).toEqual([-100, -100, -100, -100, -100, 7, 8]);
  expect(line).toBe(3);
});

it('a prompt begins as the rows that were trained on', () => {
  expect(virtualPrompt([5, 6], { prefix: 2, infix: 1, vocab: 100 })).toEqual([100, 101, 5, 6, 102]);
});
