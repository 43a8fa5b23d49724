/** A column of numbers that grows at its end. Its room doubles, so an append costs the same however long it is. */
const FIRST_ROOM = 256;

export class Column {
  #room = new Float64Array(FIRST_ROOM);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A view of the values, not a copy; a later append may move them elsewhere. */
  get values(): Float64Array {
    return this.#room.subarray(0, this.#length);
  }

  get last(): number | undefined {
    return this.#length > 0 ? this.#room[this.#length - 1] : undefined;
  }

  push(value: number): void {
    if (this.#length === this.#room.length) this.#widen(this.#length + 1);
    this.#room[this.#length++] = value;
  }

  /** Appends many at once. */
  extend(values: ArrayLike<number>): void {
    if (this.#length + values.length > this.#room.length) this.#widen(this.#length + values.length);
    this.#room.set(values, this.#length);
    this.#length += values.length;
  }

  set(index: number, value: number): void {
    this.#room[index] = value;
  }

  /** Keeps the first `length` values. */
  cut(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  #widen(least: number): void {
    const wider = new Float64Array(Math.max(least, this.#room.length * 2));
    wider.set(this.values);
    this.#room = wider;
  }
}

/** Index of the first value not below `wanted`, in ascending values; their number when all are below. */
export function lowerBound(values: Float64Array, wanted: number): number {
  let from = 0;
  let to = values.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((values[middle] ?? Infinity) < wanted) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Index of the value closest to `wanted` in ascending values; -1 when there are none. */
export function nearest(values: Float64Array, wanted: number): number {
  const at = lowerBound(values, wanted);
  if (at === values.length) return at - 1;
  if (at === 0) return 0;
  return wanted - (values[at - 1] ?? 0) <= (values[at] ?? 0) - wanted ? at - 1 : at;
}
