/**
 * Which of many texts have been seen before, and what was noted of each at first. Hashes stand for the texts, in flat
 * arrays of their final size: a Map of as many strings would grow in leaps and lengthen every garbage collection.
 */
import { hash } from 'node:crypto';

/** Hexadecimal digits that a float64 holds exactly; two such numbers are the key. */
const DIGITS = 13;

export class FirstSeen {
  /** Twice as many places as texts, a power of two. */
  #mask: number;
  #high: Float64Array;
  #low: Float64Array;
  /** 0: the place is free, else the value + 1. */
  #values: Int32Array;

  /** `most`: different texts that can be noted. */
  constructor(most: number) {
    const places = 2 ** Math.ceil(Math.log2(2 * Math.max(1, most)));
    this.#mask = places - 1;
    this.#high = new Float64Array(places);
    this.#low = new Float64Array(places);
    this.#values = new Int32Array(places);
  }

  /** What was noted when `text` was seen first; `value` (from 0) where that is now. */
  note(text: string, value: number): number {
    const digest = hash('sha256', text, 'hex');
    const high = parseInt(digest.slice(0, DIGITS), 16);
    const low = parseInt(digest.slice(DIGITS, 2 * DIGITS), 16);
    let place = low % (this.#mask + 1);
    while (this.#values[place] !== 0) {
      if (this.#high[place] === high && this.#low[place] === low) return this.#values[place]! - 1;
      place = (place + 1) & this.#mask;
    }
    this.#high[place] = high;
    this.#low[place] = low;
    this.#values[place] = value + 1;
    return value;
  }
}
