/** As much of FlatBuffers as Arrow's metadata takes: the fields of a table are found through its vtable. */
export class Flatbuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get root(): number {
    return this.view.getUint32(0, true);
  }

  /** Where a field of a table lies; undefined where it has its default. */
  field(table: number, field: number): number | undefined {
    const slot = this.#slot(table, field);
    const offset = slot === undefined ? 0 : this.view.getUint16(slot, true);
    return offset === 0 ? undefined : table + offset;
  }

  table(table: number, field: number): number | undefined {
    const at = this.field(table, field);
    return at === undefined ? undefined : at + this.view.getUint32(at, true);
  }

  number(table: number, field: number): number {
    const at = this.field(table, field);
    return at === undefined ? 0 : this.int64(at);
  }

  int64(at: number): number {
    return Number(this.view.getBigInt64(at, true));
  }

  /** Where the structs of a vector lie. */
  places(table: number, field: number, bytesEach: number): number[] {
    const vector = this.table(table, field);
    if (vector === undefined) return [];
    const count = this.view.getUint32(vector, true);
    if (vector + 4 + count * bytesEach > this.bytes.length) throw new RangeError('a list ends too early');
    return Array.from({ length: count }, (_, i) => vector + 4 + i * bytesEach);
  }

  /** Gives a field its default. */
  forget(table: number, field: number): void {
    const slot = this.#slot(table, field);
    if (slot !== undefined) this.view.setUint16(slot, 0, true);
  }

  #slot(table: number, field: number): number | undefined {
    const vtable = table - this.view.getInt32(table, true);
    const slot = 4 + 2 * field;
    return slot < this.view.getUint16(vtable, true) ? vtable + slot : undefined;
  }
}
