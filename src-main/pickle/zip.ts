/**
 * Where the members of a zip archive lie in the file. Only archives as torch.save writes them: nothing compressed,
 * nothing encrypted, no member beyond the file. Names are keys of a map and never become paths.
 */
import { readExactly, type OpenFile } from '../safetensors/read.ts';
import { brokenTorchFile, shown } from './errors.ts';

export interface Member {
  /** Bytes from the start of the file. */
  offset: number;
  sizeBytes: number;
}

const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const END = 0x06054b50;
const END_64_AT = 0x07064b50;
const END_64 = 0x06064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
/** 64 MiB of names are a million members. */
const MOST_DIRECTORY_BYTES = 64 << 20;
const MOST_MEMBERS = 200_000;
const STANDS_IN_64 = 0xffffffff;

export function zipMembers(source: OpenFile, fileBytes: number): Map<string, Member> {
  const { count, start, length } = directoryOf(source, fileBytes);
  if (count > MOST_MEMBERS || length > MOST_DIRECTORY_BYTES)
    throw brokenTorchFile(source.path, `is an archive of ${count} members, more than any checkpoint has`);
  const directory = bytesAt(source, start, length);
  const members = new Map<string, Member>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const entry = entryAt(source.path, directory, at);
    if (members.has(entry.name)) throw brokenTorchFile(source.path, `has ${shown(entry.name)} twice in its archive`);
    members.set(entry.name, memberOf(source, fileBytes, entry));
    at = entry.next;
  }
  return members;
}

function bytesAt(source: OpenFile, position: number, length: number): DataView {
  const bytes = new Uint8Array(length);
  readExactly(source, bytes, position);
  return new DataView(bytes.buffer);
}

interface Directory {
  count: number;
  start: number;
  length: number;
}

function directoryOf(source: OpenFile, fileBytes: number): Directory {
  const tailBytes = Math.min(fileBytes, END_BYTES + LONGEST_COMMENT);
  const tail = bytesAt(source, fileBytes - tailBytes, tailBytes);
  let at = tailBytes - END_BYTES;
  while (at >= 0 && tail.getUint32(at, true) !== END) at--;
  if (at < 0) throw brokenTorchFile(source.path, 'is cut short: its archive has no directory');
  const short: Directory = {
    count: tail.getUint16(at + 10, true),
    length: tail.getUint32(at + 12, true),
    start: tail.getUint32(at + 16, true),
  };
  const hasLarge = at >= 20 && tail.getUint32(at - 20, true) === END_64_AT;
  const found = hasLarge ? largeDirectory(source, fileBytes, tail.getBigUint64(at - 12, true)) : short;
  if (!isInside(found.start, found.length, fileBytes))
    throw brokenTorchFile(source.path, 'has an archive directory that lies outside of the file');
  return found;
}

function largeDirectory(source: OpenFile, fileBytes: number, at: bigint): Directory {
  if (!isInside(Number(at), 56, fileBytes))
    throw brokenTorchFile(source.path, 'has no archive directory where it says');
  const record = bytesAt(source, Number(at), 56);
  if (record.getUint32(0, true) !== END_64)
    throw brokenTorchFile(source.path, 'has no archive directory where it says');
  return {
    count: Number(record.getBigUint64(32, true)),
    length: Number(record.getBigUint64(40, true)),
    start: Number(record.getBigUint64(48, true)),
  };
}

function isInside(start: number, length: number, fileBytes: number): boolean {
  return Number.isSafeInteger(start) && Number.isSafeInteger(length) && start + length <= fileBytes;
}

interface Entry {
  name: string;
  sizeBytes: number;
  /** Of its local header. */
  header: number;
  /** In the directory. */
  next: number;
}

function entryAt(file: string, directory: DataView, at: number): Entry {
  if (at + 46 > directory.byteLength || directory.getUint32(at, true) !== ENTRY)
    throw brokenTorchFile(file, 'has an archive directory that is cut short');
  const [flags, method] = [directory.getUint16(at + 8, true), directory.getUint16(at + 10, true)];
  const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => directory.getUint16(at + field, true)) as [
    number,
    number,
    number,
  ];
  const next = at + 46 + nameBytes + extraBytes + commentBytes;
  if (next > directory.byteLength) throw brokenTorchFile(file, 'has an archive directory that is cut short');
  const name = new TextDecoder().decode(new Uint8Array(directory.buffer, directory.byteOffset + at + 46, nameBytes));
  refuseName(file, name);
  if (method !== 0 || (flags & 1) !== 0)
    throw brokenTorchFile(
      file,
      `has ${shown(name)} ${flags & 1 ? 'encrypted' : 'compressed'} in its archive, which PyTorch never writes`,
    );
  const stored = {
    sizeBytes: directory.getUint32(at + 24, true),
    packedBytes: directory.getUint32(at + 20, true),
    header: directory.getUint32(at + 42, true),
  };
  const { sizeBytes, packedBytes, header } = inLargeForm(directory, at + 46 + nameBytes, extraBytes, stored);
  if (sizeBytes !== packedBytes) throw brokenTorchFile(file, `has two sizes of ${shown(name)} in its archive`);
  return { name, sizeBytes, header, next };
}

/** Nothing is ever unpacked; a name that would leave the folder is a sign of what the file is for. */
function refuseName(file: string, name: string): void {
  const parts = name.split(/[\\/]/);
  if (!name.includes('\0') && !parts.includes('..') && parts[0] !== '' && !/^[A-Za-z]:/.test(name)) return;
  throw brokenTorchFile(file, `has a member that would be written outside of its folder (${shown(name)})`);
}

type Sizes = Record<'sizeBytes' | 'packedBytes' | 'header', number>;

/** The extra field 1 holds, in this order, those of the numbers that 32 bits could not. */
function inLargeForm(directory: DataView, start: number, length: number, short: Sizes): Sizes {
  const found = { ...short };
  for (let at = start; at + 4 <= start + length;) {
    const [id, bytes] = [directory.getUint16(at, true), directory.getUint16(at + 2, true)];
    let field = at + 4;
    const end = Math.min(field + bytes, start + length);
    if (id === 1)
      for (const name of ['sizeBytes', 'packedBytes', 'header'] as const) {
        if (short[name] !== STANDS_IN_64 || field + 8 > end) continue;
        found[name] = Number(directory.getBigUint64(field, true));
        field += 8;
      }
    at += 4 + bytes;
  }
  return found;
}

function memberOf(source: OpenFile, fileBytes: number, { name, sizeBytes, header }: Entry): Member {
  const outside = (): Error => brokenTorchFile(source.path, `has ${shown(name)} outside of the file`);
  if (!isInside(header, 30, fileBytes)) throw outside();
  const local = bytesAt(source, header, 30);
  if (local.getUint32(0, true) !== LOCAL) throw outside();
  const offset = header + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  if (!isInside(offset, sizeBytes, fileBytes)) throw outside();
  return { offset, sizeBytes };
}
