/**
 * Texts that are nearly those that came before, by locality-sensitive hashing (Leskovec, Rajaraman and Ullman, ch. 3):
 * a signature is cut into bands, and texts with an equal band are candidates. Each candidate is then compared exactly,
 * so that nothing is taken for a near-duplicate that is none; of those that are, about one in a hundred at the very
 * threshold is missed, and fewer above it.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import { jaccard, mix, shinglesOf, SIGNATURE, signatureOf, type NGrams } from './minHash.ts';
import { ShingleStore } from './shingleStore.ts';

interface NearDuplicateRules extends NGrams {
  /** Jaccard similarity from which two texts are nearly the same. */
  threshold: number;
}

/** Share of the pairs at the threshold that become candidates. */
const RECALL = 0.99;
/** Of the tables, beyond which rows are refused: 4 million rows at 0.8, 2 million at 0.5. */
const MOST_BYTES = 1.5 * 2 ** 30;
const NONE = -1;

/** The longest bands, and how many, with which a pair at the threshold becomes a candidate often enough. */
export function bandsFor(threshold: number): { bands: number; rows: number } {
  for (let rows = SIGNATURE; rows > 1; rows--) {
    const bands = Math.floor(SIGNATURE / rows);
    if (1 - (1 - threshold ** rows) ** bands >= RECALL) return { bands, rows };
  }
  return { bands: SIGNATURE, rows: 1 };
}

export class NearDuplicates {
  #rules: NearDuplicateRules;
  #bands: number;
  #rows: number;
  #sets: ShingleStore;
  #count = 0;
  #room = 1024;
  /** By band and hash: the last text with it. */
  #heads: Int32Array;
  /** By text and band: the text before with the same place in `heads`, and the hash of the band. */
  #next: Int32Array;
  #hashes: Uint32Array;

  /** `dir`: where the n-grams of the texts lie meanwhile. */
  constructor(rules: NearDuplicateRules, dir: string) {
    this.#rules = rules;
    const { bands, rows } = bandsFor(rules.threshold);
    this.#bands = bands;
    this.#rows = rows;
    this.#sets = new ShingleStore(dir);
    this.#heads = new Int32Array(this.#room * bands).fill(NONE);
    this.#next = new Int32Array(this.#room * bands);
    this.#hashes = new Uint32Array(this.#room * bands);
  }

  /** Whether a text that was kept before is like this one; if not, it is kept. Throws DATASET_TOO_LARGE. */
  repeats(text: string): boolean {
    const shingles = shinglesOf(text, this.#rules);
    if (shingles.length === 0) return false;
    const hashes = this.#bandHashes(signatureOf(shingles));
    if (this.#isLikeOne(shingles, hashes)) return true;
    this.#keep(shingles, hashes);
    return false;
  }

  close(): void {
    this.#sets.close();
  }

  #bandHashes(signature: Uint32Array): Uint32Array {
    const hashes = new Uint32Array(this.#bands);
    for (let band = 0; band < this.#bands; band++) {
      let hash = band;
      for (let i = band * this.#rows; i < (band + 1) * this.#rows; i++) hash = mix(Math.imul(hash, 31) ^ signature[i]!);
      hashes[band] = hash;
    }
    return hashes;
  }

  #isLikeOne(shingles: Uint32Array, hashes: Uint32Array): boolean {
    const compared = new Set<number>();
    for (let band = 0; band < this.#bands; band++) {
      const hash = hashes[band]!;
      for (let other = this.#heads[this.#place(band, hash)]!; other !== NONE;) {
        const entry = other * this.#bands + band;
        if (this.#hashes[entry] === hash && !compared.has(other)) {
          compared.add(other);
          if (jaccard(shingles, this.#sets.at(other)) >= this.#rules.threshold) return true;
        }
        other = this.#next[entry]!;
      }
    }
    return false;
  }

  #keep(shingles: Uint32Array, hashes: Uint32Array): void {
    if (this.#count === this.#room) this.#grow();
    this.#sets.push(shingles);
    this.#hashes.set(hashes, this.#count * this.#bands);
    this.#link(this.#count++);
  }

  #link(text: number): void {
    for (let band = 0; band < this.#bands; band++) {
      const entry = text * this.#bands + band;
      const place = this.#place(band, this.#hashes[entry]!);
      this.#next[entry] = this.#heads[place]!;
      this.#heads[place] = text;
    }
  }

  #place(band: number, hash: number): number {
    return band * this.#room + (hash & (this.#room - 1));
  }

  #grow(): void {
    const room = 2 * this.#room;
    if (12 * room * this.#bands > MOST_BYTES) throw tooMany(this.#count);
    this.#room = room;
    const hashes = new Uint32Array(room * this.#bands);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    this.#heads = new Int32Array(room * this.#bands).fill(NONE);
    this.#next = new Int32Array(room * this.#bands);
    for (let text = 0; text < this.#count; text++) this.#link(text);
  }
}

function tooMany(count: number): GraftError {
  return new GraftError(
    'DATASET_TOO_LARGE',
    `More than ${counted(count, 'different row')} are too many to look for near-duplicates among; take a part of the ` +
      'file, or leave this step out.',
    { rows: count },
  );
}
