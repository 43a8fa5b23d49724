/**
 * MinHash (Broder 1997): of each of many hash functions the least value over a set. Two sets agree in as many of them,
 * on average, as their Jaccard similarity |A and B| / |A or B| says.
 */
import { Random } from '../../../src-shared/random.ts';

/** Hash functions, and so values of a signature. */
export const SIGNATURE = 128;

const SEEDS = ((): Uint32Array => {
  const random = new Random(1);
  return Uint32Array.from({ length: SIGNATURE }, () => random.nextUint32());
})();

export interface NGrams {
  unit: 'words' | 'characters';
  /** Words or characters of an n-gram. */
  size: number;
}

/**
 * Hashes of a text's n-grams, each once, sorted. Case, marks and the kind of white space do not count. A text shorter
 * than one n-gram is one by itself; an empty one has none.
 */
export function shinglesOf(text: string, { unit, size }: NGrams): Uint32Array {
  const plain = text.normalize('NFKC').toLowerCase();
  const parts = unit === 'words' ? (plain.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []) : [...plain.replace(/\s+/g, ' ').trim()];
  if (parts.length === 0) return new Uint32Array(0);
  const hashes = parts.map(hashOf);
  const count = Math.max(1, hashes.length - size + 1);
  const found = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let hash = 0;
    for (let j = i; j < Math.min(i + size, hashes.length); j++) hash = mix(Math.imul(hash, 31) ^ hashes[j]!);
    found[i] = hash;
  }
  found.sort();
  let distinct = 0;
  for (let i = 0; i < count; i++) if (i === 0 || found[i] !== found[i - 1]) found[distinct++] = found[i]!;
  return found.subarray(0, distinct);
}

/** The signature of a set of hashes, which is not empty. */
export function signatureOf(shingles: Uint32Array): Uint32Array {
  const least = new Uint32Array(SIGNATURE).fill(0xffffffff);
  for (let k = 0; k < SIGNATURE; k++) {
    const seed = SEEDS[k]!;
    let smallest = 0xffffffff;
    for (const shingle of shingles) {
      const value = mix(shingle ^ seed);
      if (value < smallest) smallest = value;
    }
    least[k] = smallest;
  }
  return least;
}

/** Jaccard similarity of two sorted sets, neither of which is empty. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let both = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [one, other] = [a[i]!, b[j]!];
    if (one === other) both++;
    if (one <= other) i++;
    if (other <= one) j++;
  }
  return both / (a.length + b.length - both);
}

/** FNV-1a over UTF-16 code units, then mixed. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** The finaliser of MurmurHash3: each bit of the input changes half of the output's. One value for each input. */
export function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
