/**
 * Which of many texts have been seen before, and what was noted of each at first. Hashes stand for the texts, in flat
 * arrays: a Map of as many strings lengthens every garbage collection. There are many small tables, each of which
 * grows on its own: one for all would hold the process whenever it grew.
 */
import { hash } from 'node:crypto';

/** Hexadecimal digits that a float64 holds exactly; two such numbers are the key, two digits more choose the table. */
const DIGITS = 13;

export class FirstSeen {
  /** Made when they are needed. */
  #tables: Table[] = [];

  /** What was noted when `text` was seen first; `value` (from 0) where that is now. */
  note(text: string, value: number): number {
    return this.noteKey(keyOf(text), value);
  }

  /** The same of a text that was hashed elsewhere. */
  noteKey({ high, low, table }: TextKey, value: number): number {
    return (this.#tables[table] ??= new Table()).note(high, low, value);
  }
}

/** What stands for a text. */
export interface TextKey {
  high: number;
  low: number;
  table: number;
}

export function keyOf(text: string): TextKey {
  const digest = hash('sha256', text, 'hex');
  return {
    high: parseInt(digest.slice(0, DIGITS), 16),
    low: parseInt(digest.slice(DIGITS, 2 * DIGITS), 16),
    table: parseInt(digest.slice(2 * DIGITS, 2 * DIGITS + 2), 16),
  };
}

/** Open addressing, never more than half full. */
class Table {
  #room = 16;
  #count = 0;
  #high = new Float64Array(this.#room);
  #low = new Float64Array(this.#room);
  /** 0: the place is free, else the value + 1. */
  #values = new Int32Array(this.#room);

  note(high: number, low: number, value: number): number {
    let place = low % this.#room;
    while (this.#values[place] !== 0) {
      if (this.#high[place] === high && this.#low[place] === low) return this.#values[place]! - 1;
      place = (place + 1) % this.#room;
    }
    this.#high[place] = high;
    this.#low[place] = low;
    this.#values[place] = value + 1;
    if (++this.#count * 2 > this.#room) this.#grow();
    return value;
  }

  #grow(): void {
    const [high, low, values] = [this.#high, this.#low, this.#values];
    this.#room *= 2;
    this.#count = 0;
    this.#high = new Float64Array(this.#room);
    this.#low = new Float64Array(this.#room);
    this.#values = new Int32Array(this.#room);
    for (const [place, value] of values.entries()) if (value !== 0) this.note(high[place]!, low[place]!, value - 1);
  }
}
