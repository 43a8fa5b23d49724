/** How linear layers start in PyTorch. */
import type { Random } from '../../src-shared/random.ts';

/** U(-1/sqrt(fanIn), 1/sqrt(fanIn)): He et al. 2015 with a = sqrt 5, as PyTorch starts its linear layers. */
export function kaimingUniform(count: number, fanIn: number, random: Random): Float32Array {
  const bound = 1 / Math.sqrt(fanIn);
  return Float32Array.from({ length: count }, () => (2 * random.uniform() - 1) * bound);
}
