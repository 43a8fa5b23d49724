/**
 * Rotary frequencies stretched to longer texts than a model was first trained with: position interpolation (Chen et al.
 * 2023), dynamic NTK scaling, Llama 3's, YaRN (Peng et al. 2023) and LongRoPE (Ding et al. 2024).
 */
import type { RopeScaling } from './spec.ts';

type Of<Type extends RopeScaling['type']> = Extract<RopeScaling, { type: Type }>;

/** plain: theta^(-2i/R) for i < R/2. length: tokens of the text, which some kinds depend on. */
export function scaledFrequencies(
  plain: Float64Array,
  theta: number,
  scaling: RopeScaling,
  length: number,
): Float64Array {
  switch (scaling.type) {
    case 'linear':
      return plain.map((frequency) => frequency / scaling.factor);
    case 'dynamic':
      return dynamicFrequencies(plain, theta, scaling, length);
    case 'llama3':
      return plain.map((frequency) => llama3Frequency(frequency, scaling));
    case 'yarn':
      return yarnFrequencies(plain, theta, scaling);
    case 'longrope': {
      const factors = length > scaling.originalMaxPositions ? scaling.longFactors : scaling.shortFactors;
      return plain.map((frequency, i) => frequency / factors[i]!);
    }
  }
}

/** Factor of cos and sin, so that its square scales the scores of what turns (Peng et al. 2023, section 3.4). */
export function attentionFactor(scaling: RopeScaling): number {
  return scaling.type === 'yarn' || scaling.type === 'longrope' ? scaling.attentionFactor : 1;
}

/** Texts of which the same comes out have the same frequencies. length: tokens of the text. */
export function frequencyLength(scaling: RopeScaling | undefined, length: number): number {
  switch (scaling?.type) {
    case 'dynamic':
      return Math.max(length, scaling.originalMaxPositions);
    case 'longrope':
      return Math.min(Math.max(length, scaling.originalMaxPositions), scaling.originalMaxPositions + 1);
    default:
      return 0;
  }
}

/** theta grows with the length L of the text: theta·(sL/L0 - (s - 1))^(R/(R-2)) beyond L0. */
function dynamicFrequencies(
  plain: Float64Array,
  theta: number,
  { factor, originalMaxPositions }: Of<'dynamic'>,
  length: number,
): Float64Array {
  const dim = 2 * plain.length;
  const stretch = (factor * Math.max(length, originalMaxPositions)) / originalMaxPositions - (factor - 1);
  const grown = theta * stretch ** (dim / (dim - 2));
  return plain.map((_, i) => 1 / grown ** ((2 * i) / dim));
}

/** Long wavelengths are divided by `factor`, short ones kept, those between interpolated. */
export function llama3Frequency(frequency: number, s: Of<'llama3'>): number {
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < s.originalMaxPositions / s.highFreqFactor) return frequency;
  if (wavelength > s.originalMaxPositions / s.lowFreqFactor) return frequency / s.factor;
  const smooth = (s.originalMaxPositions / wavelength - s.lowFreqFactor) / (s.highFreqFactor - s.lowFreqFactor);
  return ((1 - smooth) * frequency) / s.factor + smooth * frequency;
}

/** Section 3.2: what turns more than betaFast times in the original length is kept, less than betaSlow interpolated. */
function yarnFrequencies(plain: Float64Array, theta: number, s: Of<'yarn'>): Float64Array {
  const dim = 2 * plain.length;
  const indexOf = (turns: number): number =>
    (dim * Math.log(s.originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [from, to] = [indexOf(s.betaFast), indexOf(s.betaSlow)];
  const low = Math.max(s.truncate ? Math.floor(from) : from, 0);
  const end = Math.min(s.truncate ? Math.ceil(to) : to, dim - 1);
  const high = end === low ? end + 0.001 : end;
  return plain.map((frequency, i) => {
    const interpolated = Math.min(Math.max((i - low) / (high - low), 0), 1);
    return (frequency / s.factor) * interpolated + frequency * (1 - interpolated);
  });
}
