/** A backend whose tensors have a shape and a size in bytes, but no values. Reads give zeros. */
import * as tf from '@tensorflow/tfjs-core';

interface Entry {
  bytes: number;
  values: number;
  references: number;
}

export class ShapeBackend extends tf.KernelBackend {
  /** Bytes held now, and the most held at once since `restart`. */
  heldBytes = 0;
  peakBytes = 0;
  private readonly entries = new Map<object, Entry>();

  restart(): void {
    this.peakBytes = this.heldBytes;
  }

  /** A tensor's place in memory, new; `values` of 4 bytes each unless `valueBytes` says otherwise. */
  hold(values: number, valueBytes = 4): object {
    const dataId = {};
    const bytes = values * valueBytes;
    this.entries.set(dataId, { bytes, values, references: 1 });
    this.heldBytes += bytes;
    this.peakBytes = Math.max(this.peakBytes, this.heldBytes);
    return dataId;
  }

  override write(_values: unknown, shape: number[], dtype: tf.DataType): object {
    return this.hold(
      shape.reduce((a, b) => a * b, 1),
      dtype === 'bool' ? 1 : 4,
    );
  }

  override incRef(dataId: object): void {
    const entry = this.entries.get(dataId);
    if (entry) entry.references++;
  }

  override refCount(dataId: object): number {
    return this.entries.get(dataId)?.references ?? 0;
  }

  override disposeData(dataId: object, force = false): boolean {
    const entry = this.entries.get(dataId);
    if (!entry) return true;
    entry.references--;
    if (!force && entry.references > 0) return false;
    this.heldBytes -= entry.bytes;
    this.entries.delete(dataId);
    return true;
  }

  override readSync(dataId: object): Float32Array {
    return new Float32Array(this.entries.get(dataId)?.values ?? 0);
  }

  override read(dataId: object): Promise<Float32Array> {
    return Promise.resolve(this.readSync(dataId));
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override numDataIds(): number {
    return this.entries.size;
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override dispose(): void {
    this.entries.clear();
  }
}
