/**
 * A second, plain reader of safetensors folders. It shares no code with safetensors/, basemodel/ and merging/, so that
 * a fault there does not hide itself.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Weight } from './formulas.ts';
import { jsonOf } from './plainJson.ts';
import type { PlainTensor } from './plainTensor.ts';
import { tensorsOfTorchFile } from './plainTorch.ts';

export type { PlainTensor };

/** All tensors of a model folder by name. Throws an Error in words about what cannot be read. */
export function tensorsOfFolder(dir: string): Map<string, PlainTensor> {
  const single = path.join(dir, 'model.safetensors');
  if (fs.existsSync(single)) return tensorsOfFile(single);
  const name = 'model.safetensors.index.json';
  if (!fs.existsSync(path.join(dir, name))) return tensorsOfTorchFolder(dir);
  return tensorsOfShards(dir, name, tensorsOfFile);
}

function tensorsOfTorchFolder(dir: string): Map<string, PlainTensor> {
  const single = path.join(dir, 'pytorch_model.bin');
  if (fs.existsSync(single)) return tensorsOfTorchFile(single);
  return tensorsOfShards(dir, 'pytorch_model.bin.index.json', tensorsOfTorchFile);
}

function tensorsOfShards(dir: string, name: string, read: typeof tensorsOfFile): Map<string, PlainTensor> {
  const index = jsonOf(path.join(dir, name)) as { weight_map: Record<string, string> };
  const shards = [...new Set(Object.values(index.weight_map))].sort();
  const all = new Map(shards.flatMap((shard) => [...read(path.join(dir, shard))]));
  for (const [name, shard] of Object.entries(index.weight_map))
    if (path.basename(all.get(name)?.file ?? '') !== shard) throw new Error(`the index puts ${name} into ${shard}`);
  return all;
}

/** The header alone is read: eight bytes of length, then JSON. */
export function tensorsOfFile(file: string): Map<string, PlainTensor> {
  const fd = fs.openSync(file, 'r');
  try {
    const size = fs.fstatSync(fd).size;
    const length = Number(readAt(fd, 0, 8).readBigUInt64LE());
    if (length > size - 8) throw new Error(`${path.basename(file)} is shorter than its header`);
    const header = JSON.parse(readAt(fd, 8, length).toString('utf8')) as Record<string, HeaderEntry>;
    const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
    return new Map(
      entries.map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [from, to],
          },
        ]): [string, PlainTensor] => {
          if (8 + length + to > size) throw new Error(`${path.basename(file)} ends before ${name}`);
          return [name, { name, dtype, shape, file, start: 8 + length + from, byteLength: to - from }];
        },
      ),
    );
  } finally {
    fs.closeSync(fd);
  }
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** Bytes `from` to `from + length` of a tensor. */
export function bytesOf(tensor: PlainTensor, from = 0, length = tensor.byteLength - from): Buffer {
  if (tensor.strides) return gathered(tensor, tensor.strides).subarray(from, from + length);
  const { file, start } = tensor;
  const fd = fs.openSync(file, 'r');
  try {
    return readAt(fd, start + from, length);
  } finally {
    fs.closeSync(fd);
  }
}

const views = new WeakMap<PlainTensor, Buffer>();

/** The values of a view, one after the other. */
function gathered(tensor: PlainTensor, strides: number[]): Buffer {
  const known = views.get(tensor);
  if (known) return known;
  const { shape, byteLength } = tensor;
  const width = byteLength / countOf(tensor);
  const span = 1 + shape.reduce((sum, n, i) => sum + (n - 1) * strides[i]!, 0);
  const held = bytesOf({ ...tensor, strides: undefined, byteLength: span * width });
  const view = Buffer.alloc(byteLength);
  for (let n = 0; n * width < byteLength; n++) {
    let rest = n;
    let place = 0;
    for (let i = shape.length - 1; i >= 0; i--) {
      place += (rest % shape[i]!) * strides[i]!;
      rest = Math.floor(rest / shape[i]!);
    }
    held.copy(view, n * width, place * width, (place + 1) * width);
  }
  views.set(tensor, view);
  return view;
}

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length;) {
    const got = fs.readSync(fd, bytes, done, Math.min(length - done, 1 << 30), position + done);
    if (got === 0) throw new Error('a weights file ends early');
    done += got;
  }
  return bytes;
}

/** Values `from` to `from + count` of a float tensor. */
export function valuesOf(tensor: PlainTensor, from = 0, count = countOf(tensor) - from): Float64Array {
  if (tensor.read) return tensor.read(from, count);
  const width = WIDTHS[tensor.dtype];
  if (!width) throw new Error(`${tensor.name} is ${tensor.dtype}, which is no float type`);
  const bytes = bytesOf(tensor, from * width, count * width);
  return Float64Array.from({ length: count }, (_, i) => READ[tensor.dtype]!(bytes, i * width));
}

const WIDTHS: Record<string, number> = { F64: 8, F32: 4, F16: 2, BF16: 2 };

const READ: Record<string, (bytes: Buffer, at: number) => number> = {
  F64: (bytes, at) => bytes.readDoubleLE(at),
  F32: (bytes, at) => bytes.readFloatLE(at),
  F16: (bytes, at) => half(bytes.readUInt16LE(at)),
  BF16: (bytes, at) => brain(bytes.readUInt16LE(at)),
};

/** IEEE binary16: 1 bit of sign, 5 of exponent, 10 of fraction. */
export function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** bfloat16: 1 bit of sign, 8 of exponent, 7 of fraction. */
export function brain(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 7) & 0xff, bits & 0x7f];
  if (exponent === 255) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -133 : (128 + fraction) * 2 ** (exponent - 134));
}

export function countOf({ shape }: Pick<PlainTensor, 'shape'>): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** The tensor as a matrix, (rows, width); a vector is one row. */
export function matrixOf({ shape }: Pick<PlainTensor, 'shape'>): { rows: number; width: number } {
  const [rows = 1, ...rest] = shape;
  return rest.length === 0 ? { rows: 1, width: rows } : { rows, width: rest.reduce((a, b) => a * b, 1) };
}

/** Values by output and input; rows are read when they are asked for. turned: a matrix is stored (in, out). */
export function weightOf(tensor: PlainTensor, turned: boolean): Weight {
  const { width } = matrixOf(tensor);
  const isTurned = turned && tensor.shape.length === 2;
  const rows = new Map<number, Float64Array>();
  const rowOf = (row: number): Float64Array => {
    let values = rows.get(row);
    if (!values) {
      if (!isTurned && rows.size >= 4) rows.clear();
      rows.set(row, (values = valuesOf(tensor, row * width, width)));
    }
    return values;
  };
  if (tensor.shape.length === 1) return (output) => rowOf(0)[output]!;
  return isTurned ? (output, input) => rowOf(input)[output]! : (output, input) => rowOf(output)[input]!;
}
