/**
 * NF4 with double quantisation (QLoRA, Dettmers et al. 2023, arXiv:2305.14314, section 3 and appendix E): each value of
 * a block is the nearest of 16 quantiles of the normal distribution times the block's absolute maximum. The maxima,
 * less their mean, are kept in 8 bits with one float32 scale per 256 of them: 4 + 8/64 + 32/(64·256) = 4.127 bits per
 * weight.
 */
import { NF4_GROUP } from './formats.ts';

/** Appendix E of the paper. */
export const NF4_LEVELS = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
] as const;

/** Half way between neighbouring levels. */
const BORDERS = Float64Array.from(NF4_LEVELS.slice(1), (level, i) => (level + NF4_LEVELS[i]!) / 2);

/** Index of the level nearest to `value`, which lies in [-1, 1]. */
export function nearestLevel(value: number): number {
  let [low, high] = [0, BORDERS.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value > BORDERS[middle]!) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface QuantisedMaxima {
  bytes: Int8Array;
  mean: number;
  /** One per group. */
  scales: Float32Array;
}

/** maximum ≈ mean + scale of its group · byte, off by at most half a scale. */
export function quantiseMaxima(maxima: Float32Array): QuantisedMaxima {
  let sum = 0;
  for (let i = 0; i < maxima.length; i++) sum += maxima[i]!;
  const mean = Math.fround(sum / maxima.length);
  const bytes = new Int8Array(maxima.length);
  const scales = new Float32Array(Math.ceil(maxima.length / NF4_GROUP));
  for (let group = 0; group < scales.length; group++) {
    const start = group * NF4_GROUP;
    const end = Math.min(start + NF4_GROUP, maxima.length);
    let most = 0;
    for (let i = start; i < end; i++) most = Math.max(most, Math.abs(maxima[i]! - mean));
    const scale = Math.fround(most / 127) || 1; // all equal: no scale
    scales[group] = scale;
    for (let i = start; i < end; i++) bytes[i] = Math.round((maxima[i]! - mean) / scale);
  }
  return { bytes, mean, scales };
}
