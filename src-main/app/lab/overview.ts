/** Of the grids of all matrices, what a page shows at once; a whole grid it asks for by its matrix. */
import type { SimilarityResult } from '../../../src-shared/lab.ts';

export interface SimilarityOverview {
  pairs: {
    name: string;
    /** phi(k, k) for k = 1, 2, … up to the smaller number of directions: of A, of B, and what chance gives. */
    a: number[];
    b: number[];
    randomA: number[];
    randomB: number[];
    grassmannA: number | null;
    grassmannB: number | null;
  }[];
  onlyInOne: string[];
}

export type SimilarityPair = SimilarityResult['pairs'][number];

export function overviewOf({ pairs, onlyInOne }: SimilarityResult): SimilarityOverview {
  return {
    pairs: pairs.map(({ name, a, b, randomA, randomB, grassmannA, grassmannB }) => ({
      name,
      a: diagonal(a),
      b: diagonal(b),
      randomA: diagonal(randomA),
      randomB: diagonal(randomB),
      grassmannA,
      grassmannB,
    })),
    onlyInOne,
  };
}

function diagonal(grid: number[][]): number[] {
  return grid.flatMap((row, i) => row[i] ?? []);
}
