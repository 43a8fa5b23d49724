/**
 * The token ids of words that have been seen, by the word, in flat arrays: a look-up makes no string and no object. The
 * table begins anew when it is full, so it stays within a bound whatever the texts are.
 */

/** Characters and ids of the words that are remembered, and of a word that is. */
const MOST_UNITS = 1 << 23;
const MOST_IDS = 1 << 22;
const MOST_WORDS = 1 << 19;
const LONGEST_WORD = 128;

/** Of an entry: hash, where its characters and its ids begin, and how many they are (16 bits each). */
const [HASH, UNITS, IDS, COUNTS, ENTRY] = [0, 1, 2, 3, 4];

export class WordTable {
  /** Number of an entry, plus one; 0: free. Never more than half full. */
  #places = new Int32Array(1 << 12);
  #entries = new Int32Array(ENTRY << 11);
  #count = 0;
  #units = new Uint16Array(1 << 14);
  #unitCount = 0;
  #ids = new Int32Array(1 << 13);
  #idCount = 0;

  /** Appends the ids of the word from `start` to `end` of `text` to `out`; false where it is not known. */
  append(text: string, start: number, end: number, out: number[]): boolean {
    const length = end - start;
    if (length > LONGEST_WORD) return false;
    const hash = hashOf(text, start, end);
    const places = this.#places;
    const entries = this.#entries;
    const mask = places.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const entry = ENTRY * (places[at]! - 1);
      if (entry < 0) return false;
      if (entries[entry + HASH] !== hash || entries[entry + COUNTS]! >>> 16 !== length) continue;
      if (!this.#isAt(entries[entry + UNITS]!, text, start, length)) continue;
      const first = entries[entry + IDS]!;
      const last = first + (entries[entry + COUNTS]! & 0xffff);
      for (let i = first; i < last; i++) out.push(this.#ids[i]!);
      return true;
    }
  }

  /** Remembers a word that `append` did not know. */
  add(text: string, start: number, end: number, ids: ArrayLike<number>): void {
    const length = end - start;
    if (length > LONGEST_WORD || ids.length > 0xffff) return;
    if (this.#count === MOST_WORDS || this.#unitCount + length > MOST_UNITS || this.#idCount + ids.length > MOST_IDS)
      this.#clear();
    this.#makeRoom(length, ids.length);
    for (let i = 0; i < length; i++) this.#units[this.#unitCount + i] = text.charCodeAt(start + i);
    this.#ids.set(ids, this.#idCount);
    const entry = [hashOf(text, start, end), this.#unitCount, this.#idCount, (length << 16) | ids.length];
    this.#entries.set(entry, ENTRY * this.#count);
    this.#unitCount += length;
    this.#idCount += ids.length;
    this.#count++;
    if (2 * this.#count > this.#places.length) this.#rehash();
    else this.#enter(this.#count - 1);
  }

  #isAt(units: number, text: string, start: number, length: number): boolean {
    for (let i = 0; i < length; i++) if (this.#units[units + i] !== text.charCodeAt(start + i)) return false;
    return true;
  }

  #enter(word: number): void {
    const mask = this.#places.length - 1;
    let at = this.#entries[ENTRY * word + HASH]! & mask;
    while (this.#places[at] !== 0) at = (at + 1) & mask;
    this.#places[at] = word + 1;
  }

  #rehash(): void {
    this.#places = new Int32Array(2 * this.#places.length);
    for (let word = 0; word < this.#count; word++) this.#enter(word);
  }

  #makeRoom(units: number, ids: number): void {
    if (this.#unitCount + units > this.#units.length) this.#units = grown(this.#units, Uint16Array);
    if (this.#idCount + ids > this.#ids.length) this.#ids = grown(this.#ids, Int32Array);
    if (ENTRY * (this.#count + 1) > this.#entries.length) this.#entries = grown(this.#entries, Int32Array);
  }

  #clear(): void {
    [this.#count, this.#unitCount, this.#idCount] = [0, 0, 0];
    this.#places.fill(0);
  }
}

/** FNV-1a over the characters. */
function hashOf(text: string, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}

/** Twice as long, which is enough for one more word. */
function grown<T extends Uint16Array | Int32Array>(old: T, Kind: new (length: number) => T): T {
  const larger = new Kind(2 * old.length);
  larger.set(old);
  return larger;
}
