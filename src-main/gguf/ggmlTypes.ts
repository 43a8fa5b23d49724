/** The number formats of tensors in GGUF files: names, ids and blocks as in ggml.h and ggml-common.h. */

export interface GgmlType {
  /** `enum ggml_type`, as it stands in a file. */
  id: number;
  /** Values per block; a row of a tensor is a whole number of blocks. */
  blockSize: number;
  /** Bytes per block. */
  blockBytes: number;
}

export const GGML_TYPES = {
  F32: { id: 0, blockSize: 1, blockBytes: 4 },
  F16: { id: 1, blockSize: 1, blockBytes: 2 },
  BF16: { id: 30, blockSize: 1, blockBytes: 2 },
  Q4_0: { id: 2, blockSize: 32, blockBytes: 18 },
  Q4_1: { id: 3, blockSize: 32, blockBytes: 20 },
  Q5_0: { id: 6, blockSize: 32, blockBytes: 22 },
  Q5_1: { id: 7, blockSize: 32, blockBytes: 24 },
  Q8_0: { id: 8, blockSize: 32, blockBytes: 34 },
  Q4_K: { id: 12, blockSize: 256, blockBytes: 144 },
  Q5_K: { id: 13, blockSize: 256, blockBytes: 176 },
  Q6_K: { id: 14, blockSize: 256, blockBytes: 210 },
} as const satisfies Record<string, GgmlType>;

export type GgmlTypeName = keyof typeof GGML_TYPES;

export function ggmlTypeName(id: number): GgmlTypeName | undefined {
  return (Object.keys(GGML_TYPES) as GgmlTypeName[]).find((name) => GGML_TYPES[name].id === id);
}

/** Whether rows of this many values can have the type. */
export function fitsBlocks(type: GgmlTypeName, width: number): boolean {
  return width % GGML_TYPES[type].blockSize === 0;
}

/** Bytes of a row of `width` values, which must be a whole number of blocks. */
export function rowBytes(type: GgmlTypeName, width: number): number {
  const { blockSize, blockBytes } = GGML_TYPES[type];
  return (width / blockSize) * blockBytes;
}

/** Bytes of a tensor; dims in ggml's order, the fastest first. */
export function tensorBytes(type: GgmlTypeName, [width = 1, ...rest]: readonly number[]): number {
  return rowBytes(type, width) * rest.reduce((product, n) => product * n, 1);
}
