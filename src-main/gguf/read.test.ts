/** Headers: what Hugging Face's own reader finds in them, and hostile ones, refused fast and in one sentence. */
import fs from 'node:fs';
import path from 'node:path';
import { gguf as judge } from '@huggingface/gguf';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { toErrorData } from '../../src-shared/errors.ts';
import { bool, encodeHeader, float32, numbers, string, strings, uint32, type GgufMetadata } from './header.ts';
import { openGguf, type GgufFile } from './read.ts';

const VOCABULARY = 'data/tokenizer_vectors/ggml-vocab-gpt-2.gguf';

function fileOf(bytes: Uint8Array, size = bytes.length): string {
  const file = path.join(temporaryFolder(), 'model.gguf');
  fs.writeFileSync(file, bytes);
  fs.truncateSync(file, size);
  return file;
}

function opened<T>(file: string, use: (gguf: GgufFile) => T): T {
  const gguf = openGguf(file);
  try {
    return use(gguf);
  } finally {
    gguf.close();
  }
}

const METADATA: GgufMetadata = new Map([
  ['general.architecture', string('llama')],
  ['general.alignment', uint32(32)],
  ['llama.rope.freq_base', float32(500000)],
  ['a.bool', bool(true)],
  ['a.negative', { type: 'int64', value: -7 }],
  ['a.small', { type: 'int8', value: -7 }],
  ['a.double', { type: 'float64', value: 0.1 }],
  ['a.texts', strings(['a', '', '日本 😀'])],
  ['a.numbers', numbers('int32', [1, -2, 3])],
  ['a.bools', { type: 'array', of: 'bool', value: [true, false] }],
]);
const TENSORS = [
  { name: 'one.weight', dims: [64, 3], type: 'Q8_0' as const },
  { name: 'two.weight', dims: [5], type: 'F32' as const },
];

describe("what Hugging Face's reader finds", () => {
  async function expectAgreed(file: string): Promise<void> {
    const want = await judge(file, { allowLocalFile: true });
    opened(file, ({ fields, tensors }) => {
      const own = Object.entries(want.metadata).filter(
        ([key]) => !['version', 'tensor_count', 'kv_count'].includes(key),
      );
      expect(fields.keys()).toEqual(own.map(([key]) => key));
      for (const [key, value] of own) {
        const found = fields.value(key)!.value;
        const plain = (one: unknown): unknown => (typeof one === 'bigint' ? Number(one) : one);
        const list = (one: unknown): unknown => (Array.isArray(one) ? one.map(plain) : plain(one));
        expect(ArrayBuffer.isView(found) ? Array.from(found as Float64Array) : found, key).toEqual(list(value));
      }
      const dims = [...tensors.values()].map(({ name, dims: sizes }) => [name, sizes]);
      expect(dims).toEqual(want.tensorInfos.map(({ name, shape }) => [name, shape.map(Number)]));
    });
  }

  it('in a file with every type of value', async () => {
    const header = encodeHeader(METADATA, TENSORS);
    const file = fileOf(header, header.length + 224 + 32);
    await expectAgreed(file);
    opened(file, ({ tensors, headerBytes }) => {
      const start = Math.ceil(headerBytes.length / 32) * 32;
      expect([...tensors.values()].map(({ offset, byteLength }) => [offset - start, byteLength])).toEqual([
        [0, 204],
        [224, 20],
      ]);
    });
  });

  it.skipIf(!hasShared(VOCABULARY))(`in a vocabulary of llama.cpp's${skipNote(VOCABULARY)}`, () =>
    expectAgreed(sharedPath(VOCABULARY)),
  );
});

it('a byte order mark is a character of its token, which that reader takes away', () => {
  const file = fileOf(encodeHeader(new Map([['k', strings(['//', '\ufeff//'])]]), []));
  expect(opened(file, ({ fields }) => fields.strings('k'))).toEqual(['//', '\ufeff//']);
});

/** A header field by field, so that it can say anything. */
class Header {
  #parts: Buffer[] = [Buffer.from('GGUF')];

  u32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.#parts.push(bytes);
    return this;
  }

  u64(value: bigint | number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    this.#parts.push(bytes);
    return this;
  }

  text(text: string): this {
    this.u64(Buffer.byteLength(text));
    this.#parts.push(Buffer.from(text));
    return this;
  }

  tensor(name: string, dims: (bigint | number)[], type: number, offset: bigint | number): this {
    this.text(name).u32(dims.length);
    for (const n of dims) this.u64(n);
    return this.u32(type).u64(offset);
  }

  field(key: string, type: number): this {
    return this.text(key).u32(type);
  }

  list(key: string, of: number, count: bigint | number): this {
    return this.field(key, 9).u32(of).u64(count);
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

const header = (tensors: bigint | number = 0, fields: bigint | number = 0, version = 3): Header =>
  new Header().u32(version).u64(tensors).u64(fields);
const HUGE = 2n ** 60n;
const GIGABYTES = 10 * 2 ** 30;

describe('hostile files', () => {
  it.each<[string, Header, string, number?]>([
    ['2^60 tensors', header(HUGE), 'the number of its tensors is 1152921504606846976'],
    ['2^60 fields', header(0, HUGE), 'the number of its metadata fields is 1152921504606846976'],
    ['more tensors than the file has room for', header(60_000), 'ends after the file'],
    ['a name of 2^60 bytes', header(0, 1).u64(HUGE), 'the length of the name of metadata field 0'],
    ['a text of 10 GB', header(0, 1).field('k', 8).u64(GIGABYTES), 'the length of "k"', GIGABYTES + 100],
    ['a list of 2^61 numbers', header(0, 1).list('k', 6, 2n ** 61n), 'the length of the list "k"'],
    ['a list of lists', header(0, 1).list('k', 9, 1), 'a list of the unknown type 9'],
    ['more texts than the file has room for', header(0, 1).list('k', 8, 2 ** 22), 'the length of the list', 2 ** 20],
    [
      '60 MB of text, then more',
      header(0, 3)
        .field('k', 8)
        .u64(60 << 20),
      'is there twice',
      GIGABYTES,
    ],
    ['millions of empty texts', header(0, 3).list('k', 8, 4_000_000), 'is there twice', GIGABYTES],
    ['zeros for gigabytes', header(0, 60_000), 'is there twice', GIGABYTES],
    ['an unknown type', header(0, 1).field('k', 13), 'has the unknown type 13'],
    ['a field twice', header(0, 2).field('k', 4).u32(0).field('k', 4).u32(0), 'is there twice'],
    ['five dimensions', header(1).tensor('t', [1, 1, 1, 1, 1], 0, 0), 'has 5 dimensions'],
    ['dimensions that overflow', header(1).tensor('t', [2 ** 40, 2 ** 40], 0, 0), 'impossible shape'],
    ['an empty tensor', header(1).tensor('t', [0, 4], 0, 0), 'impossible shape'],
    ['an offset outside', header(1).tensor('t', [4], 0, 2 ** 40), 'is cut short', 4096],
    ['an offset of 2^64 - 1', header(1).tensor('t', [4], 0, 2n ** 64n - 1n), 'the offset of "t"', 4096],
    ['a tensor between two places', header(1).tensor('t', [4], 0, 8), 'no multiple of 32', 4096],
    ['a name twice', header(2).tensor('t', [4], 0, 0).tensor('t', [4], 0, 32), 'is there twice', 4096],
    ['two tensors in one place', header(2).tensor('t', [16], 0, 0).tensor('u', [4], 0, 32), 'overlaps', 4096],
    ['a row of half a block', header(1).tensor('t', [48], 8, 0), 'no whole blocks of Q8_0', 4096],
    ['a name of 65 bytes', header(1).tensor('t'.repeat(65), [4], 0, 0), 'the length of the name of a tensor', 4096],
    ['an odd alignment', header(0, 1).field('general.alignment', 4).u32(24), 'general.alignment is 24'],
    ['an alignment of 0', header(0, 1).field('general.alignment', 4).u32(0), 'general.alignment is 0'],
    ['an unread number format', header(1).tensor('t', [256], 16, 0), 'as IQ2_XXS, which Graft does not read', 4096],
    ['version 1', header(0, 0, 1), 'has version 1'],
    ['the other byte order', header(0, 0, 0x03000000), 'big-endian'],
  ])('%s', (_, bytes, words, size) => {
    const file = fileOf(bytes.bytes(), size);
    const before = process.memoryUsage().rss;
    let message = '';
    try {
      openGguf(file).close();
    } catch (error) {
      ({ message } = toErrorData(error));
    }
    expect(message).toContain(words);
    expect(message).toContain(file);
    expect(message).toMatch(/^[^\n]+\.$/);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });

  it.each([
    ['an empty file', '', 'its magic number ends after the file'],
    ['another format', 'PK\u0003\u0004 and more', 'it does not begin with "GGUF"'],
    ['a header that breaks off', 'GGUF\u0003\0\0\0\u0001', 'ends after the file'],
  ])('%s', (_, text, words) => {
    expect(() => openGguf(fileOf(Buffer.from(text)))).toThrow(words);
  });

  it('a folder, and nothing at all', () => {
    const dir = temporaryFolder();
    expect(() => openGguf(dir)).toThrow(expect.objectContaining({ code: 'NOT_A_FILE' }));
    expect(() => openGguf(path.join(dir, 'none.gguf'))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});
