/** Angles of the rotary position embedding (Su et al. 2021, eq. 15), stretched where a checkpoint says so. */
import type { ArchitectureSpec, RopeScaling } from './spec.ts';
import { attentionFactor, scaledFrequencies } from './ropeScaling.ts';

/** The positions of some layers. */
export interface Rope {
  /** R, how many floats of each head turn. */
  dim: number;
  theta: number;
  scaling?: RopeScaling | undefined;
}

/** `local`: the layers of `localRope`. */
export type RopeKind = 'usual' | 'local';

/** Undefined for a layer without positions. */
export function ropeKind(spec: ArchitectureSpec, layer: number): RopeKind | undefined {
  if (spec.positions !== 'rotary' || spec.noRope?.includes(layer)) return undefined;
  return spec.localRope?.layers.includes(layer) ? 'local' : 'usual';
}

export function ropeOf(spec: ArchitectureSpec, kind: RopeKind): Rope {
  const { headDim, rotaryDim: dim = headDim, ropeTheta: theta, ropeScaling: scaling, localRope } = spec;
  return kind === 'local' && localRope ? { dim, ...localRope } : { dim, theta, scaling };
}

/** theta^(-2i/R) for i < R/2; scaled where the checkpoint says so. length: tokens of the text. */
export function ropeFrequencies({ dim, theta, scaling }: Rope, length: number): Float32Array {
  const plain = Float64Array.from({ length: dim / 2 }, (_, i) => 1 / theta ** ((2 * i) / dim));
  return Float32Array.from(scaling ? scaledFrequencies(plain, theta, scaling, length) : plain);
}

/** cos and sin of position·frequency, both (T, R/2) row by row, for a text of `length` tokens. */
export function ropeTables(rope: Rope, T: number, length = T): { cos: Float32Array; sin: Float32Array } {
  const frequencies = ropeFrequencies(rope, length);
  const factor = rope.scaling ? attentionFactor(rope.scaling) : 1;
  const half = frequencies.length;
  const cos = new Float32Array(T * half);
  const sin = new Float32Array(T * half);
  for (let t = 0; t < T; t++) {
    for (let i = 0; i < half; i++) {
      // As PyTorch does: the angle is a float32 product of float32 factors.
      const angle = Math.fround(t * frequencies[i]!);
      cos[t * half + i] = Math.cos(angle) * factor;
      sin[t * half + i] = Math.sin(angle) * factor;
    }
  }
  return { cos, sin };
}
