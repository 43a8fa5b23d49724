/** A profile of work whose functions are known. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { profileFunctions, rowsOf } from './profileFunctions.ts';

it('sums the samples of a function over all its callers', () => {
  const frame = (functionName: string, lineNumber: number) => ({
    functionName,
    scriptId: '1',
    url: 'file:///a/b.ts',
    lineNumber,
    columnNumber: 0,
  });
  const nodes = [
    { id: 1, callFrame: frame('f', 4) },
    { id: 2, callFrame: frame('g', 9) },
    { id: 3, callFrame: frame('f', 4) },
  ];
  expect(rowsOf({ nodes, samples: [1, 2, 3, 3], timeDeltas: [1000, 2500, 3000, 500] })).toEqual([
    { name: 'f', detail: 'b.ts:5', calls: null, selfMs: 4.5 },
    { name: 'g', detail: 'b.ts:10', calls: null, selfMs: 2.5 },
  ]);
});

it('finds the function that spends the time', async () => {
  function hashMuch(): string {
    const bytes = new Uint8Array(1 << 20);
    let digest = '';
    for (let i = 0; i < 60; i++) digest = createHash('sha256').update(bytes).digest('hex');
    return digest;
  }
  const { rows, wallMs } = await profileFunctions(async () => hashMuch());
  expect(rows.slice(0, 3).map(({ name }) => name)).toContain('update');
  expect(rows.reduce((sum, { selfMs }) => sum + selfMs, 0)).toBeGreaterThan(wallMs / 2);
});
