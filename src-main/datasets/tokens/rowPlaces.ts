/** Where the rows of a JSONL file lie in it, and what is known of them without their tokens. */
import { NumberList } from '../rowStore.ts';
import type { RowWriter } from './tokeniseFile.ts';

export class RowPlaces implements RowWriter {
  #starts = new NumberList();
  #sizes = new NumberList();
  #lines = new NumberList();
  #groups = new NumberList();
  #ends = new NumberList();

  get rows(): number {
    return this.#starts.count;
  }

  write(_records: Uint8Array, rows: Parameters<RowWriter['write']>[1]): void {
    for (const { start = 0, sizeBytes, line, group, end } of rows) {
      this.#starts.push(start);
      this.#sizes.push(sizeBytes);
      this.#lines.push(line);
      this.#groups.push(group);
      this.#ends.push(end);
    }
  }

  discard(): void {
    // It is in memory only.
  }

  finish(): { starts: Float64Array; sizes: Int32Array; lines: Float64Array; groups: Int32Array; ends: Int32Array } {
    return {
      starts: this.#starts.values().slice(),
      sizes: Int32Array.from(this.#sizes.values()),
      lines: this.#lines.values().slice(),
      groups: Int32Array.from(this.#groups.values()),
      ends: Int32Array.from(this.#ends.values()),
    };
  }
}
