/** What both formats of PyTorch's files come to: a list of tensors, and where their storages lie. */
import { DTYPE_BYTES } from '../safetensors/dtype.ts';
import type { PickleValue, Storage } from './values.ts';

/** Where the bytes of a storage begin. Throws TORCH_FILE where the file does not hold them all. */
export type StorageAt = (storage: Storage) => number;

export interface Layout {
  /** The bytes that list the tensors. */
  headerBytes: Uint8Array;
  value: PickleValue;
  storageAt: StorageAt;
}

/** Of the list alone; that of a checkpoint of a thousand tensors has a fifth of a megabyte. */
export const MOST_LIST_BYTES = 16 << 20;

/** An untyped storage counts bytes. */
export function bytesOfElement({ dtype }: Storage): number {
  return dtype === null ? 1 : DTYPE_BYTES[dtype];
}
