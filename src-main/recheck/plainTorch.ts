/** A second, plain reader of `pytorch_model.bin`; it shares no code with pickle/. */
import fs from 'node:fs';
import path from 'node:path';
import { unpickled, type ListedTensor } from './plainPickle.ts';
import type { PlainTensor } from './plainTensor.ts';

const DTYPES: Record<string, [dtype: string, width: number]> = {
  FloatStorage: ['F32', 4],
  HalfStorage: ['F16', 2],
  BFloat16Storage: ['BF16', 2],
  DoubleStorage: ['F64', 8],
  LongStorage: ['I64', 8],
  IntStorage: ['I32', 4],
  ShortStorage: ['I16', 2],
  CharStorage: ['I8', 1],
  ByteStorage: ['U8', 1],
  BoolStorage: ['BOOL', 1],
};

/** The list of tensors is read, and where each storage begins. Throws an Error in words. */
export function tensorsOfTorchFile(file: string): Map<string, PlainTensor> {
  const fd = fs.openSync(file, 'r');
  try {
    const size = fs.fstatSync(fd).size;
    const read = (from: number, length: number): Buffer => {
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - from)));
      fs.readSync(fd, bytes, 0, bytes.length, from);
      return bytes;
    };
    const isZip = read(0, 2).toString('latin1') === 'PK';
    const { list, startOf } = isZip ? zipped(read, size) : legacy(read);
    return new Map(
      [...list].flatMap(([name, tensor]) => (isListed(tensor) ? [[name, plain(file, name, tensor, startOf)]] : [])),
    );
  } finally {
    fs.closeSync(fd);
  }
}

type Read = (from: number, length: number) => Buffer;
interface Found {
  list: Map<string, unknown>;
  startOf: (storage: ListedTensor['storage']) => number;
}

function isListed(value: unknown): value is ListedTensor {
  return typeof value === 'object' && value !== null && 'strides' in value;
}

function plain(file: string, name: string, tensor: ListedTensor, startOf: Found['startOf']): PlainTensor {
  const [dtype, width] = typeOf(tensor.type);
  const { shape, strides } = tensor;
  const count = shape.reduce((a, b) => a * b, 1);
  const isPlain = shape.every((n, i) => n === 1 || strides[i] === shape.slice(i + 1).reduce((a, b) => a * b, 1));
  return {
    name,
    dtype,
    shape,
    file,
    start: startOf(tensor.storage) + tensor.offset * width,
    byteLength: count * width,
    ...(isPlain ? {} : { strides }),
  };
}

function typeOf(type: string): [dtype: string, width: number] {
  const found = DTYPES[path.extname(type).slice(1)];
  if (!found) throw new Error(`a weights file holds values of type ${type.slice(0, 80)}`);
  return found;
}

const DIRECTORY_END = Buffer.from('PK\x05\x06');
const LARGE_END = Buffer.from('PK\x06\x06');

/** By the archive's directory: data.pkl is the list, data/KEY a storage each. */
function zipped(read: Read, size: number): Found {
  const tail = read(Math.max(0, size - (1 << 17)), 1 << 17);
  const end = tail.lastIndexOf(DIRECTORY_END);
  const large = tail.lastIndexOf(LARGE_END, end);
  const [length, start] =
    large < 0
      ? [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)]
      : [Number(tail.readBigUInt64LE(large + 40)), Number(tail.readBigUInt64LE(large + 48))];
  const directory = read(start, length);
  const starts = new Map<string, number>();
  for (let at = 0; at + 46 <= directory.length;) {
    const [name, extra, comment] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    let header = directory.readUInt32LE(at + 42);
    // Beyond 4 GB the place stands last in the extra field.
    if (header === 0xffffffff) header = Number(directory.readBigUInt64LE(at + 46 + name + extra - 8));
    const local = read(header, 30);
    const dataStart = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
    starts.set(directory.toString('utf8', at + 46, at + 46 + name).replace(/^[^/]+\//, ''), dataStart);
    at += 46 + name + extra + comment;
  }
  const list = unpickled(read(starts.get('data.pkl') ?? size, 16 << 20), 0).value as Map<string, unknown>;
  return { list, startOf: ({ key }) => starts.get(`data/${key}`) ?? NaN };
}

/** A number, the version, the machine, the list, the storages' keys; then each storage behind its length. */
function legacy(read: Read): Found {
  const bytes = read(0, 16 << 20);
  const values: unknown[] = [];
  let at = 0;
  while (values.length < 5) {
    const { value, end } = unpickled(bytes, at);
    values.push(value);
    at = end;
  }
  const list = values[3] as Map<string, unknown>;
  const types = new Map(
    [...list.values()].flatMap((one) => (isListed(one) ? [[one.storage.key, one.storage.type] as const] : [])),
  );
  const starts = new Map<string, number>();
  for (const key of values[4] as string[]) {
    starts.set(key, at + 8);
    at += 8 + Number(read(at, 8).readBigUInt64LE()) * typeOf(types.get(key) ?? '')[1];
  }
  return { list, startOf: ({ key }) => starts.get(key) ?? NaN };
}
