/** How much of one subspace lies in another (Hu et al. 2021, section 7.2 and appendix G). */

/**
 * phi(i, j) = ||U^iT V^j||_F^2 / min(i, j), in [0, 1], of the first i directions of one and the first j of the other;
 * the grid is [i - 1][j - 1] (eq. 4). `cosines`: U^T V, row i of it the products of direction i of one with all of the
 * other.
 */
export function similarityGrid(cosines: Float64Array[]): number[][] {
  const above = new Float64Array(cosines[0]?.length ?? 0);
  return cosines.map((row, i) => {
    let sum = 0;
    return Array.from(row, (value, j) => {
      sum += value ** 2;
      above[j] = above[j]! + sum;
      return Math.min(1, above[j]! / Math.min(i + 1, j + 1));
    });
  });
}

/**
 * Distance of two subspaces on the Grassmannian, the projection metric of Hamm & Lee 2008: sqrt(p - ||U^pT V^p||_F^2)
 * for the first p directions of both, p the smaller number; 0 for equal ones, at most sqrt(p). Null without directions.
 */
export function grassmannDistance(grid: number[][]): number | null {
  const p = Math.min(grid.length, grid[0]?.length ?? 0);
  return p === 0 ? null : Math.sqrt(Math.max(0, p * (1 - grid[p - 1]![p - 1]!)));
}
