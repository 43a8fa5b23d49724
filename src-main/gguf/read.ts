/**
 * Opens GGUF files that other people made (docs/gguf.md of ggml, versions 2 and 3). Only the header is read, and
 * checked, when a file is opened: every count and length against what can be, every tensor against the file. Values of
 * the metadata are decoded when they are asked for (metadata.ts); tensors are read by rows (tensorRows.ts).
 */
import fs from 'node:fs';
import { GraftError } from '../../src-shared/errors.ts';
import { shownValue } from '../../src-shared/shownValue.ts';
import { openRegularFile } from '../files/foreignFile.ts';
import { systemErrorAbout } from '../files/systemError.ts';
import type { OpenFile } from '../safetensors/read.ts';
import { Cursor, ggufHeaderError } from './cursor.ts';
import { fitsBlocks, GGML_TYPES, ggmlTypeName, tensorBytes, type GgmlTypeName } from './ggmlTypes.ts';
import { GgufFields, skipValue, type FieldPlace } from './metadata.ts';

/** ggml's own: GGML_MAX_NAME and GGML_MAX_DIMS. */
const MOST_NAME_BYTES = 64;
const MOST_DIMS = 4;
/** The largest models have some thousand tensors, and a hundred fields. */
const MOST_TENSORS = 65_536;
const MOST_FIELDS = 65_536;
const MOST_ALIGNMENT = 65_536;

export interface GgufTensorInfo {
  name: string;
  type: GgmlTypeName;
  /** In ggml's order: the length of a row first. */
  dims: number[];
  /** Bytes from the start of the file. */
  offset: number;
  byteLength: number;
}

export interface GgufFile {
  file: string;
  sizeBytes: number;
  modifiedMs: number;
  /** All of the header. */
  headerBytes: Uint8Array;
  fields: GgufFields;
  /** By name, in the order of the header. */
  tensors: Map<string, GgufTensorInfo>;
  source: OpenFile;
  /** Closes the descriptor; reading a tensor afterwards is an error. May be called twice. */
  close(): void;
}

/**
 * Throws GraftError GGUF_HEADER, GGUF_TENSOR (naming file and tensor), GGUF_TRUNCATED, GGUF_UNSUPPORTED (a version, a
 * byte order or a number format that Graft does not read), NOT_A_FILE, or NOT_FOUND / NOT_ALLOWED.
 */
export function openGguf(file: string): GgufFile {
  const source: OpenFile = { path: file, fd: undefined };
  const close = (): void => {
    if (source.fd !== undefined) fs.closeSync(source.fd);
    source.fd = undefined;
  };
  try {
    const { fd, stat } = openRegularFile(file);
    source.fd = fd;
    const cursor = new Cursor(source, stat.size);
    checkMagic(file, cursor);
    const tensorCount = cursor.count(MOST_TENSORS, 'the number of its tensors');
    const fieldCount = cursor.count(MOST_FIELDS, 'the number of its metadata fields');
    const places = readFields(file, cursor, fieldCount);
    const entries = Array.from({ length: tensorCount }, () => readTensor(file, cursor));
    const headerBytes = cursor.walked();
    const fields = new GgufFields(file, headerBytes, places);
    const tensors = placeTensors(file, entries, { alignment: alignmentOf(file, fields), headerBytes, size: stat.size });
    return { file, sizeBytes: stat.size, modifiedMs: stat.mtimeMs, headerBytes, fields, tensors, source, close };
  } catch (error) {
    close();
    throw systemErrorAbout(error, file);
  }
}

function unsupported(file: string, what: string, instead: string, details: Record<string, unknown> = {}): GraftError {
  return new GraftError('GGUF_UNSUPPORTED', `${file} ${what}; ${instead}.`, { file, ...details });
}

function checkMagic(file: string, cursor: Cursor): void {
  if (cursor.uint32('its magic number') !== 0x46554747) throw ggufHeaderError(file, 'it does not begin with "GGUF"');
  const version = cursor.uint32('its version');
  if (version === 2 || version === 3) return;
  const swapped = (version & 0xffff) === 0 && version !== 0;
  throw unsupported(
    file,
    swapped ? 'is written for big-endian machines' : `has version ${version} of the format; Graft reads 2 and 3`,
    swapped ? 'use the file for little-endian machines, which is the usual one' : 'download or convert it again',
    { version },
  );
}

function readFields(file: string, cursor: Cursor, count: number): Map<string, FieldPlace> {
  const places = new Map<string, FieldPlace>();
  for (let i = 0; i < count; i++) {
    const key = cursor.string(`the name of metadata field ${i}`, 65_535);
    if (places.has(key)) throw ggufHeaderError(file, `its metadata field ${shownValue(key)} is there twice`);
    const type = cursor.uint32(`the type of ${shownValue(key)}`);
    const from = cursor.at;
    skipValue(file, cursor, type, shownValue(key));
    places.set(key, { type, from });
  }
  return places;
}

function tensorError(file: string, tensor: string, problem: string, details: Record<string, unknown> = {}): GraftError {
  return new GraftError(
    'GGUF_TENSOR',
    `${file}: tensor ${shownValue(tensor)} ${problem}; download or convert the file again.`,
    { file, tensor, ...details },
  );
}

/** `offset` still counts from the end of the header. */
function readTensor(file: string, cursor: Cursor): GgufTensorInfo {
  const name = cursor.string('the name of a tensor', MOST_NAME_BYTES);
  const shown = shownValue(name);
  const dimCount = cursor.uint32(`the number of dimensions of ${shown}`);
  if (dimCount > MOST_DIMS) throw tensorError(file, name, `has ${dimCount} dimensions, more than ${MOST_DIMS}`);
  const dims = Array.from({ length: dimCount }, () => cursor.count(Number.MAX_SAFE_INTEGER, `a dimension of ${shown}`));
  const id = cursor.uint32(`the type of ${shown}`);
  const offset = cursor.count(Number.MAX_SAFE_INTEGER, `the offset of ${shown}`);
  const elements = dims.reduce((product, n) => product * n, 1);
  if (!Number.isSafeInteger(elements) || elements === 0)
    throw tensorError(file, name, `has the impossible shape [${dims.join(', ')}]`);
  const type = ggmlTypeName(id);
  if (!type)
    throw unsupported(
      file,
      `holds tensor ${shown} as ${OTHER_TYPES[id] ?? `number format ${id}`}, which Graft does not read`,
      `use a file in one of ${Object.keys(GGML_TYPES).join(', ')}`,
      { tensor: name, type: id },
    );
  if (!fitsBlocks(type, dims[0] ?? 1))
    throw tensorError(file, name, `has rows of ${dims[0]} values, which are no whole blocks of ${type}`);
  return { name, type, dims, offset, byteLength: tensorBytes(type, dims) };
}

/** `enum ggml_type`, for naming what is not read. */
const OTHER_TYPES: Record<number, string> = {
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
  40: 'NVFP4',
};

function alignmentOf(file: string, fields: GgufFields): number {
  const alignment = fields.number('general.alignment') ?? 32;
  const isPower = Number.isInteger(Math.log2(alignment));
  if (isPower && alignment >= 1 && alignment <= MOST_ALIGNMENT) return alignment;
  throw ggufHeaderError(
    file,
    `its general.alignment is ${alignment}, which is no power of two up to ${MOST_ALIGNMENT}`,
  );
}

/** Every tensor lies in the file, aligned, and shares no byte with another. */
function placeTensors(
  file: string,
  entries: GgufTensorInfo[],
  { alignment, headerBytes, size }: { alignment: number; headerBytes: Uint8Array; size: number },
): Map<string, GgufTensorInfo> {
  const start = Math.ceil(headerBytes.length / alignment) * alignment;
  const tensors = new Map<string, GgufTensorInfo>();
  for (const entry of entries) {
    const { name, offset, byteLength } = entry;
    if (tensors.has(name)) throw tensorError(file, name, 'is there twice');
    if (offset % alignment !== 0) throw tensorError(file, name, `begins at ${offset}, no multiple of ${alignment}`);
    if (start + offset + byteLength > size)
      throw new GraftError(
        'GGUF_TRUNCATED',
        `${file} is cut short: it has ${size} bytes, and tensor ${shownValue(name)} ends at ` +
          `${start + offset + byteLength}; download or copy the file again.`,
        { file, tensor: name, gotBytes: size, wantBytes: start + offset + byteLength },
      );
    tensors.set(name, { ...entry, offset: start + offset });
  }
  let previous: GgufTensorInfo | undefined;
  for (const one of [...tensors.values()].sort((a, b) => a.offset - b.offset)) {
    if (previous && one.offset < previous.offset + previous.byteLength)
      throw tensorError(file, one.name, `overlaps tensor ${shownValue(previous.name)}`);
    previous = one;
  }
  return tensors;
}
