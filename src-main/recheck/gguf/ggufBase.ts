/**
 * The GGUF file that a model folder stands for, as its tensors are in the checkpoint: values by ggufBlocks.ts, under
 * the names and in the order that ggufPlaces.ts tells.
 */
import fs from 'node:fs';
import path from 'node:path';
import { jsonOf } from '../plainJson.ts';
import type { PlainTensor } from '../plainTensor.ts';
import { BLOCKS } from './ggufBlocks.ts';
import { placeOf, type GgufPlace } from './ggufPlaces.ts';

type Config = Record<string, unknown>;

/** Undefined for a folder that holds its weights itself. */
export function ggufOfFolder(dir: string): string | undefined {
  const pointer = path.join(dir, 'gguf.json');
  return fs.existsSync(pointer) ? String((jsonOf(pointer) as { file: unknown }).file) : undefined;
}

/** All tensors that layers read, by the checkpoint's name. Throws an Error in words about what cannot be read. */
export function tensorsOfGguf(file: string, config: Config): Map<string, PlainTensor> {
  const all = new Map<string, PlainTensor>();
  for (const entry of headerOf(file)) {
    const place = placeOf(entry.name, config);
    const isCopy = entry.name === 'output.weight' && config['tie_word_embeddings'] === true;
    if (!place || isCopy) continue;
    const tensor = plainTensor(file, entry, place, config);
    all.set(tensor.name, tensor);
  }
  return all;
}

interface Entry {
  name: string;
  /** In ggml's order: the length of a row first. */
  dims: number[];
  type: number;
  /** Bytes from the start of the file. */
  start: number;
}

/** Bytes of a value by its type; 8 is a text, 9 a list. */
const SIZES: Record<number, number> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const HEADER_BYTES = 64 << 20;

function headerOf(file: string): Entry[] {
  const bytes = readAt(file, 0, Math.min(HEADER_BYTES, fs.statSync(file).size));
  let at = 8;
  const u32 = (): number => bytes.readUInt32LE((at += 4) - 4);
  const u64 = (): number => Number(bytes.readBigUInt64LE((at += 8) - 8));
  const text = (): string => {
    const length = u64();
    return bytes.toString('utf8', at, (at += length));
  };
  const skip = (type: number): void => {
    if (type === 8) text();
    else if (type !== 9) at += SIZES[type]!;
    else for (let of = u32(), left = u64(); left > 0; left--) skip(of);
  };
  const [tensors, fields] = [u64(), u64()];
  let alignment = 32;
  for (let i = 0; i < fields; i++) {
    const [key, type] = [text(), u32()];
    if (key === 'general.alignment') alignment = bytes.readUInt32LE(at);
    skip(type);
  }
  const entries = Array.from({ length: tensors }, () => {
    const [name, dimCount] = [text(), u32()];
    return { name, dims: Array.from({ length: dimCount }, u64), type: u32(), start: u64() };
  });
  const data = Math.ceil(at / alignment) * alignment;
  return entries.map((entry) => ({ ...entry, start: data + entry.start }));
}

const PREFIXES: Record<string, string> = { gpt2: 'transformer.', gpt_neox: 'gpt_neox.' };

function plainTensor(file: string, entry: Entry, place: GgufPlace, config: Config): PlainTensor {
  const { dims, type, start } = entry;
  const { source, plus = 0, times = 1, outputOf = same, table } = place;
  const format = BLOCKS.get(type);
  if (!format) throw new Error(`${entry.name} has the number format ${type}, which is not known here`);
  const turned = config['model_type'] === 'gpt2' && dims.length === 2 && !table;
  const [width = 1, rows = 1] = dims.length === 1 ? [1, dims[0]] : dims;
  const isHead = /^(lm_head|embed_out)\./.test(source);
  const rowOfOutput = new Int32Array(rows);
  for (let row = 0; row < rows; row++) rowOfOutput[outputOf(row)] = row;
  const valueAt = (i: number): number =>
    turned ? (i % rows) * width + Math.floor(i / rows) : rowOfOutput[Math.floor(i / width)]! * width + (i % width);
  return {
    name: isHead ? source : (PREFIXES[String(config['model_type'])] ?? 'model.') + source,
    dtype: format.name === 'F16' || format.name === 'BF16' ? format.name : 'F32',
    shape: turned ? [...dims] : [...dims].reverse(),
    file,
    start,
    byteLength: ((width * rows) / format.values) * format.bytes,
    read: (from, count) => {
      const all = valuesOfTensor(file, start, width * rows, format);
      return Float64Array.from({ length: count }, (_, i) => (all[valueAt(from + i)]! - plus) / times);
    },
  };
}

const same = (row: number): number => row;

type Format = typeof BLOCKS extends ReadonlyMap<number, infer One> ? One : never;

/** The one that was asked for last: rows are asked for one after another. */
let last: { key: string; values: Float64Array } | undefined;

function valuesOfTensor(file: string, start: number, count: number, format: Format): Float64Array {
  const key = `${start} ${file}`;
  if (last?.key === key) return last.values;
  const values = new Float64Array(count);
  const slack = new Float64Array(format.values);
  const bytes = readAt(file, start, (count / format.values) * format.bytes);
  for (let i = 0; i * format.values < count; i++)
    format.read(bytes.subarray(i * format.bytes, (i + 1) * format.bytes), {
      values: values.subarray(i * format.values, (i + 1) * format.values),
      slack,
    });
  last = { key, values };
  return values;
}

function readAt(file: string, position: number, length: number): Buffer {
  const fd = fs.openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length;) {
      const got = fs.readSync(fd, bytes, done, Math.min(length - done, 1 << 30), position + done);
      if (got === 0) throw new Error('the GGUF file ends early');
      done += got;
    }
    return bytes;
  } finally {
    fs.closeSync(fd);
  }
}
