/** Curves whose powers are known, per system. */
import { expect, it } from 'vitest';
import { makeRow, type Row } from '../lib/result.ts';
import { growthCurves } from './growthCurves.ts';

/** A row with x tokens in x^power ms. */
function row(system: string, x: number, power: number, peakBytes: number, otherShare = 0): Row {
  return makeRow(String(x), system, [{ ms: x ** power, otherShare }], { amount: x, unit: 'tokens/s' }, peakBytes);
}

it('says where times were disturbed', () => {
  const points = [64, 128].map((x) => ({ x, rows: [row('Graft', x, 1, 1e9, 0.5)] }));
  expect(growthCurves([{ name: 'batch', xLabel: 'rows', points }]).notes[0]).toContain('disturbed');
});

it('states and draws the power of each system', () => {
  const points = [64, 128, 512].map((x) => ({ x, rows: [row('Graft', x, 1, 1e9), row('PyTorch', x, 2, x * 1e6)] }));
  const { notes, plots } = growthCurves([{ name: 'length', xLabel: 'tokens', points }]);
  expect(notes).toEqual([
    expect.stringMatching(/^Graft over length: .* power 0\.00, .* 0\.00\.$/),
    expect.stringMatching(/^PyTorch over length: .* power -1\.00, .* 1\.00\.$/),
  ]);
  const [speed, memory] = plots[0]!.panels;
  expect(speed!.series.map(({ name }) => name)).toEqual(['Graft, exponent 0.00', 'PyTorch, exponent -1.00']);
  expect(memory!.series[1]!.points).toEqual([
    { x: 64, y: 0.064 },
    { x: 128, y: 0.128 },
    { x: 512, y: 0.512 },
  ]);
});
