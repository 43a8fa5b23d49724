/**
 * Several updates of one matrix as one: sums, and what keeps tasks from undoing each other. All act on dW. PEFT's
 * add_weighted_adapter blends A and B one by one where it calls that "linear" (peftLinear.ts), which is another matrix.
 */
import type { ComposeMethod } from '../../src-shared/lab.ts';
import type { Random } from '../../src-shared/random.ts';

export interface ComposeRule {
  method: Exclude<ComposeMethod, 'peft-linear'>;
  /** One per update. */
  weights: number[];
  /** Share of the elements that ties, dare and magnitude keep. */
  density: number;
}

/** updates: dW of each adapter, element by element in the same order; they are changed. Returns the combined dW. */
export function composed(updates: Float64Array[], rule: ComposeRule, random: Random): Float64Array {
  const { method, weights, density } = rule;
  for (const update of updates) {
    if (method === 'magnitude' || method === 'ties') keepLargest(update, density);
    if (method === 'dare' || method === 'dare-ties') dropAtRandom(update, density, random);
  }
  return method === 'ties' || method === 'dare-ties' ? signedMean(updates, weights) : weightedSum(updates, weights);
}

/** Zeroes all but the ceil(density·n) elements of largest magnitude; where several are equal, the first ones stay. */
export function keepLargest(values: Float64Array, density: number): void {
  const keep = Math.ceil(density * values.length);
  if (keep >= values.length) return;
  const threshold = Float64Array.from(values, Math.abs).sort()[values.length - keep]!;
  let equal = keep - values.reduce((count, value) => count + Number(Math.abs(value) > threshold), 0);
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (size < threshold || (size === threshold && equal-- <= 0)) values[i] = 0;
  }
}

/** DARE (Yu et al. 2023, eq. 3): each element stays with probability `density`, and grows by 1/density. */
export function dropAtRandom(values: Float64Array, density: number, random: Random): void {
  for (let i = 0; i < values.length; i++) values[i] = random.uniform() < density ? values[i]! / density : 0;
}

/**
 * TIES (Yadav et al. 2023, section 3): per element, the sign with the larger sum wins, and the mean of the updates that
 * have it remains.
 */
export function signedMean(updates: Float64Array[], weights: number[]): Float64Array {
  return Float64Array.from(updates[0]!, (_, i) => {
    const sign = Math.sign(updates.reduce((sum, update) => sum + update[i]!, 0));
    let [sum, agreeing] = [0, 0];
    updates.forEach((update, k) => {
      if (update[i] === 0 || Math.sign(update[i]!) !== sign) return;
      sum += weights[k]! * update[i]!;
      agreeing++;
    });
    return agreeing === 0 ? 0 : sum / agreeing;
  });
}

function weightedSum(updates: Float64Array[], weights: number[]): Float64Array {
  return Float64Array.from(updates[0]!, (_, i) =>
    updates.reduce((sum, update, k) => sum + weights[k]! * update[i]!, 0),
  );
}
