/**
 * Seeded random numbers that are the same on every platform and can be saved and restored.
 * xoshiro128** (Blackman & Vigna 2018), seeded by SplitMix32. Not for cryptography.
 */
export type RandomState = [number, number, number, number];

const SHUFFLE_STEP = 4096;

export class Random {
  private s: RandomState;

  constructor(seed: number | RandomState) {
    this.s = Array.isArray(seed) ? [...seed] : seedState(seed);
  }

  /** The whole state: `new Random(r.state())` continues exactly where `r` is. */
  state(): RandomState {
    return [...this.s];
  }

  /** An independent stream named by `label`; the same seed and label always give the same stream. */
  static stream(seed: number, label: string): Random {
    let h = 0x811c9dc5 ^ seed; // FNV-1a over the label
    for (let i = 0; i < label.length; i++) h = Math.imul(h ^ label.charCodeAt(i), 0x01000193);
    return new Random(h >>> 0);
  }

  /** Uniform integer in [0, 2^32). */
  nextUint32(): number {
    const s = this.s;
    const result = Math.imul(rotl(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 11);
    return result;
  }

  /** Uniform in [0, 1), 32 bits of resolution. */
  uniform(): number {
    return this.nextUint32() / 4294967296;
  }

  /** Uniform integer in [0, n). */
  integer(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** `count` samples of N(0, std^2) by Box-Muller, both values of each pair used. */
  normal(count: number, std = 1): Float32Array {
    const out = new Float32Array(count);
    for (let i = 0; i < count; i += 2) {
      const radius = std * Math.sqrt(-2 * Math.log(1 - this.uniform()));
      const angle = 2 * Math.PI * this.uniform();
      out[i] = radius * Math.cos(angle);
      if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
    }
    return out;
  }

  /** Fisher-Yates, in place; returns its argument. */
  shuffle<T>(items: T[]): T[] {
    const steps = this.shuffleSteps(items);
    while (!steps.next().done);
    return items;
  }

  /** As shuffle, with a pause now and then in which its caller may let others work. */
  *shuffleSteps<T>(items: { readonly length: number; [index: number]: T }): Generator<void, void> {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const item = items[i]!;
      items[i] = items[j]!;
      items[j] = item;
      if (i % SHUFFLE_STEP === 0) yield;
    }
  }
}

function rotl(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

function seedState(seed: number): RandomState {
  let z = seed >>> 0;
  const next = (): number => {
    z = (z + 0x9e3779b9) >>> 0;
    let t = z;
    t = Math.imul(t ^ (t >>> 16), 0x21f0aaad);
    t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
    return (t ^ (t >>> 15)) >>> 0;
  };
  return [next(), next(), next(), next()];
}
