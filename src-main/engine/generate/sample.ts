/**
 * Choosing the next token from its logits: greedy, temperature, top-k (Fan et al. 2018), top-p (Holtzman et al. 2020),
 * repetition penalty (Keskar et al. 2019).
 */
import type { Random } from '../../../src-shared/random.ts';

export interface SamplingOptions {
  /** 0: greedy. */
  temperature: number;
  /** Keep the k most likely tokens; absent or 0: all. */
  topK?: number;
  /** Keep the smallest set of tokens whose probabilities reach p; absent or 1: all. */
  topP?: number;
  /**
   * Logits of tokens that have appeared are divided by it where positive, multiplied where negative; absent or 1: left
   * alone.
   */
  repetitionPenalty?: number;
}

export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

export function sampleToken(logits: Float32Array, options: SamplingOptions, random: Random): number {
  if (options.temperature === 0) return argmax(logits);
  const candidates = candidateTokens(logits, options);
  let target = random.uniform() * candidates.reduce((sum, c) => sum + c.probability, 0);
  for (const { id, probability } of candidates) {
    target -= probability;
    if (target < 0) return id;
  }
  return candidates.at(-1)?.id ?? argmax(logits);
}

/**
 * The tokens that may be drawn, most likely first, with their probabilities at this temperature (not renormalised after
 * the cuts).
 */
export function candidateTokens(
  logits: Float32Array,
  { temperature, topK, topP }: SamplingOptions,
): { id: number; probability: number }[] {
  const top = logits[argmax(logits)]!;
  const weights = Float64Array.from(logits, (l) => Math.exp((l - top) / temperature));
  const kept = Array.from(weights.keys());
  const cut = (topK !== undefined && topK > 0) || (topP !== undefined && topP < 1);
  if (cut) kept.sort((a, b) => weights[b]! - weights[a]! || a - b);
  if (topK !== undefined && topK > 0) kept.length = Math.min(kept.length, topK);
  const total = kept.reduce((sum, id) => sum + weights[id]!, 0);
  const candidates = kept.map((id) => ({ id, probability: weights[id]! / total }));
  if (topP === undefined || topP >= 1) return candidates;
  let mass = 0;
  const end = candidates.findIndex((c) => (mass += c.probability) >= topP);
  return end < 0 ? candidates : candidates.slice(0, end + 1);
}

/** The logits as the penalty leaves them, in a new array; the same array where there is no penalty. */
export function penalised(logits: Float32Array, seen: Iterable<number>, penalty = 1): Float32Array {
  if (penalty === 1) return logits;
  const changed = Float32Array.from(logits);
  for (const id of new Set(seen)) changed[id] = logits[id]! > 0 ? logits[id]! / penalty : logits[id]! * penalty;
  return changed;
}
