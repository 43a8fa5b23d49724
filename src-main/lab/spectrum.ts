/** What the singular values of an update say: how many directions of its rank it really uses. */
import type { Spectrum } from '../../src-shared/lab.ts';

/**
 * @param S singular values, descending
 * @param squaredNorm of the whole update, which may have more values than S
 */
export function spectrumOf(S: Float64Array, squaredNorm: number): Spectrum {
  let kept = 0;
  return {
    singularValues: [...S],
    effectiveRank: effectiveRank(S),
    stableRank: S[0]! > 0 ? squaredNorm / S[0]! ** 2 : 0,
    energy: Array.from(S, (value) => (squaredNorm > 0 ? Math.min(1, (kept += value ** 2) / squaredNorm) : 0)),
  };
}

/** exp of the entropy of the values' shares of their sum (Roy & Vetterli 2007, eq. 3); 0 where all are 0. */
export function effectiveRank(S: ArrayLike<number>): number {
  const values = Array.from(S).filter((value) => value > 0);
  const sum = values.reduce((total, value) => total + value, 0);
  const entropy = values.reduce((total, value) => total - (value / sum) * Math.log(value / sum), 0);
  return values.length === 0 ? 0 : Math.exp(entropy);
}
