/**
 * Byte-pair encoding of single words (Sennrich et al. 2016, section 3.2) on token ids: as long as two neighbours have a
 * merge, the one that was learnt first is applied, the leftmost where there are several.
 */

/** Pairs are looked for one by one, which is quick for what words usually are. */
export const LONGEST_WORD = 96;
const NONE = -1;

export interface MergeRules {
  merges: readonly (readonly [string, string])[];
  idOf: (token: string) => number | undefined;
}

export class PairMerges {
  #mask: number;
  /** Of each place: left and right id, rank and merged id; NONE as left: free. Never more than half full. */
  #places: Int32Array;

  private constructor(room: number) {
    this.#mask = room - 1;
    this.#places = new Int32Array(4 * room).fill(NONE);
  }

  /** Undefined where a merge makes or takes a token that has no id. */
  static of({ merges, idOf }: MergeRules): PairMerges | undefined {
    const pairs = new PairMerges(2 ** Math.ceil(Math.log2(2 * merges.length + 2)));
    for (const [rank, [left, right]] of merges.entries()) {
      const ids = [idOf(left), idOf(right), idOf(left + right)];
      if (ids.includes(undefined)) return undefined;
      pairs.#set(ids[0]!, ids[1]!, rank, ids[2]!);
    }
    return pairs;
  }

  /** Merges within the first `count` of `ids`, in place; returns how many are left. */
  merge(ids: Int32Array, count: number): number {
    let left = count;
    for (;;) {
      let best = NONE;
      let at = NONE;
      for (let i = 0; i + 1 < left; i++) {
        const place = this.#find(ids[i]!, ids[i + 1]!);
        if (place === NONE || (best !== NONE && this.#places[place + 2]! >= this.#places[best + 2]!)) continue;
        [best, at] = [place, i];
      }
      if (best === NONE) return left;
      ids[at] = this.#places[best + 3]!;
      ids.copyWithin(at + 1, at + 2, left);
      left--;
    }
  }

  #find(left: number, right: number): number {
    for (let at = this.#start(left, right); ; at = (at + 1) & this.#mask) {
      const found = this.#places[4 * at]!;
      if (found === NONE) return NONE;
      if (found === left && this.#places[4 * at + 1] === right) return 4 * at;
    }
  }

  /** The rank that comes later counts, as in the library. */
  #set(left: number, right: number, rank: number, merged: number): void {
    let at = this.#start(left, right);
    while (this.#places[4 * at] !== NONE && !(this.#places[4 * at] === left && this.#places[4 * at + 1] === right))
      at = (at + 1) & this.#mask;
    this.#places.set([left, right, rank, merged], 4 * at);
  }

  #start(left: number, right: number): number {
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca77);
    return (mixed ^ (mixed >>> 15)) & this.#mask;
  }
}
