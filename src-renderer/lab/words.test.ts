import { expect, it } from 'vitest';
import { MatrixGrid, matrixLabel } from './matrixMap.ts';
import { spectrumWords, usedRanks } from './spectrumWords.ts';

const name = (layer: number, matrix: string) => `model.layers.${layer}.self_attn.${matrix}_proj`;

/** Of singular values that are given; energies by hand. */
function matrix(of: string, singularValues: number[], energy: number[]) {
  return { name: of, singularValues, energy, effectiveRank: 1, stableRank: 1 };
}

it('a rank is used as long as it takes it to hold 99 % of the energy', () => {
  // 9 + 1 + 0.04 = 10.04: the first two hold 99.6 %.
  expect(usedRanks(matrix('', [3, 1, 0.2], [9 / 10.04, 10 / 10.04, 1]))).toBe(2);
  expect(usedRanks(matrix('', [0, 0], [0, 0]))).toBe(0);
  expect(usedRanks(matrix('', [2, 2], [0.4, 0.8]))).toBeNull(); // more values than were computed
});

it('says which matrix uses least, which most, and what no matrix needs', () => {
  const all = [
    matrix(name(5, 'v'), [3, 1, 0.2, 0.1], [0.9, 0.995, 0.999, 1]),
    matrix(name(0, 'q'), [3, 1, 1, 0.1], [0.8, 0.9, 0.993, 1]),
  ];
  expect(spectrumWords(all, 'rank')).toEqual([
    'Layer 5 v uses 2 of its 4 ranks, the smallest share; layer 0 q uses 3 of its 4 ranks, the largest.',
    'No matrix uses more than 3: cut to rank 3, each would keep 99 % of its update.',
  ]);
  expect(spectrumWords([all[0]!, { ...all[0]!, name: name(6, 'v') }], 'rank')).toEqual([
    'Every matrix uses 2 of its 4 ranks.',
  ]);
  expect(spectrumWords([matrix(name(0, 'q'), [2, 2], [0.4, 0.8])], 'direction')).toEqual([
    'No matrix holds 99 % of its update in the 2 directions computed.',
  ]);
});

it('layers stand below each other, matrices in the order of the forward pass, gaps stay gaps', () => {
  const names = [name(10, 'o'), name(2, 'v'), name(10, 'q'), name(2, 'q')];
  const grid = new MatrixGrid(names.map((one, i) => ({ name: one, value: i })));
  const map = grid.map(({ value }) => value, { title: 'T', format: String });
  expect([map.rows, map.columns]).toEqual([
    ['2', '10'],
    ['q', 'v', 'o'],
  ]);
  expect(map.values).toEqual([
    [3, 1, null],
    [2, null, 0],
  ]);
  expect(grid.cellOf(name(10, 'o'))).toEqual({ row: 1, column: 2 });
  expect(grid.at({ row: 1, column: 1 })).toBeUndefined();
  expect(grid.first!.name).toBe(name(2, 'q'));
  expect(matrixLabel('lm_head')).toBe('lm_head');
});
