/** Angles of the rotary position embedding (Su et al. 2021, eq. 15), with Llama 3's frequency scaling. */
import type { ArchitectureSpec, RopeScaling } from './architecture.ts';

/** cos and sin of position·frequency, both (T, D/2) row by row. */
export function ropeTables(spec: ArchitectureSpec, T: number): { cos: Float32Array; sin: Float32Array } {
  const frequencies = ropeFrequencies(spec);
  const half = frequencies.length;
  const cos = new Float32Array(T * half);
  const sin = new Float32Array(T * half);
  for (let t = 0; t < T; t++) {
    for (let i = 0; i < half; i++) {
      // As PyTorch does: the angle is a float32 product of float32 factors.
      const angle = Math.fround(t * frequencies[i]!);
      cos[t * half + i] = Math.cos(angle);
      sin[t * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** theta^(-2i/D) for i < D/2, D being the floats of a head that turn; scaled where the checkpoint says so. */
export function ropeFrequencies({
  headDim,
  rotaryDim = headDim,
  ropeTheta,
  ropeScaling,
}: ArchitectureSpec): Float32Array {
  const frequencies = new Float32Array(rotaryDim / 2);
  for (let i = 0; i < frequencies.length; i++) {
    const frequency = 1 / ropeTheta ** ((2 * i) / rotaryDim);
    frequencies[i] = ropeScaling ? scaledFrequency(frequency, ropeScaling) : frequency;
  }
  return frequencies;
}

/** Llama 3: long wavelengths are divided by `factor`, short ones kept, those between interpolated. */
export function scaledFrequency(frequency: number, s: RopeScaling): number {
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < s.originalMaxPositions / s.highFreqFactor) return frequency;
  if (wavelength > s.originalMaxPositions / s.lowFreqFactor) return frequency / s.factor;
  const smooth = (s.originalMaxPositions / wavelength - s.lowFreqFactor) / (s.highFreqFactor - s.lowFreqFactor);
  return ((1 - smooth) * frequency) / s.factor + smooth * frequency;
}
