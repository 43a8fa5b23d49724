/**
 * The header of a GGUF file, version 3 (docs/gguf.md of ggml): typed metadata and the list of tensors, as bytes. Little
 * endian; a string is its length as uint64 and its UTF-8.
 */
import { GGML_TYPES, tensorBytes, type GgmlTypeName } from './ggmlTypes.ts';

/** `enum gguf_metadata_value_type`. */
export const GGUF_VALUE_TYPES = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

/** The types of numbers; 64-bit ones here only as far as a number is exact. */
type NumberType =
  'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'uint64' | 'int64' | 'float64';

export type GgufValue =
  | { type: NumberType; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | { type: 'array'; of: NumberType; value: ArrayLike<number> }
  | { type: 'array'; of: 'bool'; value: readonly boolean[] }
  | { type: 'array'; of: 'string'; value: readonly string[] };

/** Keys in the order of the file. */
export type GgufMetadata = Map<string, GgufValue>;

export const uint32 = (value: number): GgufValue => ({ type: 'uint32', value });
export const float32 = (value: number): GgufValue => ({ type: 'float32', value });
export const bool = (value: boolean): GgufValue => ({ type: 'bool', value });
export const string = (value: string): GgufValue => ({ type: 'string', value });
export const strings = (value: readonly string[]): GgufValue => ({ type: 'array', of: 'string', value });
export const numbers = (of: NumberType, value: ArrayLike<number>): GgufValue => ({ type: 'array', of, value });

export interface TensorHeader {
  name: string;
  /** In ggml's order: the length of a row first. */
  dims: readonly number[];
  type: GgmlTypeName;
}

/** Where tensors begin: at multiples of this, counted from the end of the header. */
const ALIGNMENT = 32;

export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Everything before the first tensor, padding included. */
export function encodeHeader(metadata: GgufMetadata, tensors: readonly TensorHeader[]): Uint8Array {
  const out = new ByteWriter(headerBytes(metadata, tensors));
  writeHeader(out, metadata, tensors);
  return out.buffer; // new memory is zero, as padding is
}

/** The length of what encodeHeader makes. */
export function headerBytes(metadata: GgufMetadata, tensors: readonly TensorHeader[]): number {
  const out = new ByteCounter();
  writeHeader(out, metadata, tensors);
  return aligned(out.length);
}

function writeHeader(out: Bytes, metadata: GgufMetadata, tensors: readonly TensorHeader[]): void {
  out.number('uint32', MAGIC);
  out.number('uint32', 3);
  out.number('uint64', tensors.length);
  out.number('uint64', metadata.size);
  for (const [key, value] of metadata) {
    out.string(key);
    out.number('uint32', GGUF_VALUE_TYPES[value.type]);
    writeValue(out, value);
  }
  let offset = 0;
  for (const { name, dims, type } of tensors) {
    out.string(name);
    out.number('uint32', dims.length);
    for (const n of dims) out.number('uint64', n);
    out.number('uint32', GGML_TYPES[type].id);
    out.number('uint64', offset);
    offset += aligned(tensorBytes(type, dims));
  }
}

/** `GGUF`. */
const MAGIC = 0x46554747;

function writeValue(out: Bytes, value: GgufValue): void {
  if (value.type === 'string') out.string(value.value);
  else if (value.type === 'bool') out.number('uint8', value.value ? 1 : 0);
  else if (value.type !== 'array') out.number(value.type, value.value);
  else {
    out.number('uint32', GGUF_VALUE_TYPES[value.of]);
    out.number('uint64', value.value.length);
    if (value.of === 'string') for (const one of value.value) out.string(one);
    else if (value.of === 'bool') for (const one of value.value) out.number('uint8', one ? 1 : 0);
    else for (let i = 0; i < value.value.length; i++) out.number(value.of, value.value[i]!);
  }
}

const NUMBER_BYTES: Record<NumberType, number> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  uint64: 8,
  int64: 8,
  float64: 8,
};

/** Bytes one after another. */
interface Bytes {
  string(text: string): void;
  number(type: NumberType, value: number): void;
}

class ByteCounter implements Bytes {
  length = 0;

  string(text: string): void {
    this.length += NUMBER_BYTES.uint64 + Buffer.byteLength(text);
  }

  number(type: NumberType): void {
    this.length += NUMBER_BYTES[type];
  }
}

class ByteWriter implements Bytes {
  readonly buffer: Buffer;
  #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.buffer = Buffer.alloc(length);
    this.#view = new DataView(this.buffer.buffer, this.buffer.byteOffset, length);
  }

  string(text: string): void {
    const bytes = this.buffer.write(text, this.#at + NUMBER_BYTES.uint64);
    this.number('uint64', bytes);
    this.#at += bytes;
  }

  number(type: NumberType, value: number): void {
    const at = this.#at;
    const view = this.#view;
    this.#at += NUMBER_BYTES[type];
    if (type === 'uint8') view.setUint8(at, value);
    else if (type === 'int8') view.setInt8(at, value);
    else if (type === 'uint16') view.setUint16(at, value, true);
    else if (type === 'int16') view.setInt16(at, value, true);
    else if (type === 'uint32') view.setUint32(at, value, true);
    else if (type === 'int32') view.setInt32(at, value, true);
    else if (type === 'float32') view.setFloat32(at, value, true);
    else if (type === 'uint64') view.setBigUint64(at, BigInt(value), true);
    else if (type === 'int64') view.setBigInt64(at, BigInt(value), true);
    else view.setFloat64(at, value, true);
  }
}
