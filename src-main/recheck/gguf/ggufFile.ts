/**
 * A second reader of GGUF files: the header by @huggingface/gguf, the values by the plain decoders beside it. It shares
 * no code with src-main/gguf.
 */
import fs from 'node:fs';
import { gguf } from '@huggingface/gguf';
import { BLOCKS, type Block } from './ggufBlocks.ts';

export interface GgufFileTensor {
  name: string;
  type: string;
  /** In ggml's order: the length of a row first. */
  dims: number[];
  /** Where it begins in the file, and the bytes of a row. */
  start: number;
  rowBytes: number;
  /** Values of the row and, for each, how far rounding may have moved it. */
  row: (index: number) => Block;
}

export interface GgufFile {
  sizeBytes: number;
  metadata: Record<string, unknown>;
  tensors: Map<string, GgufFileTensor>;
  close: () => void;
}

/** Throws an Error in words about what cannot be read. */
export async function openGgufFile(file: string): Promise<GgufFile> {
  const { metadata, tensorInfos, tensorDataOffset } = await gguf(file, { allowLocalFile: true });
  const fd = fs.openSync(file, 'r');
  try {
    const sizeBytes = fs.fstatSync(fd).size;
    const tensors = new Map<string, GgufFileTensor>();
    for (const { name, shape, dtype, offset } of tensorInfos) {
      if (tensors.has(name)) throw new Error(`the file holds ${name} twice`);
      const format = BLOCKS.get(dtype);
      if (!format) throw new Error(`${name} has the number format ${dtype}, which is not known here`);
      const dims = shape.map(Number);
      const [width = 1, ...rest] = dims;
      const rows = rest.reduce((product, n) => product * n, 1);
      const rowBytes = (width / format.values) * format.bytes;
      const start = Number(tensorDataOffset + offset);
      if (!Number.isInteger(rowBytes)) throw new Error(`${name} has rows of ${width} values, no whole blocks`);
      if (start + rows * rowBytes > sizeBytes) throw new Error(`the file ends before ${name}`);
      tensors.set(name, {
        name,
        type: format.name,
        dims,
        start,
        rowBytes,
        row: (index) => rowOf(readAt(fd, start + index * rowBytes, rowBytes), width, format),
      });
    }
    return { sizeBytes, metadata: metadata as Record<string, unknown>, tensors, close: () => fs.closeSync(fd) };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

function rowOf(bytes: Buffer, width: number, { values, bytes: blockBytes, read }: BlockFormat): Block {
  const row = { values: new Float64Array(width), slack: new Float64Array(width) };
  for (let i = 0; i < width / values; i++) {
    const at = i * values;
    read(bytes.subarray(i * blockBytes, (i + 1) * blockBytes), {
      values: row.values.subarray(at, at + values),
      slack: row.slack.subarray(at, at + values),
    });
  }
  return row;
}

type BlockFormat = typeof BLOCKS extends ReadonlyMap<number, infer Format> ? Format : never;

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length;) {
    const got = fs.readSync(fd, bytes, done, length - done, position + done);
    if (got === 0) throw new Error('the file ends early');
    done += got;
  }
  return bytes;
}
