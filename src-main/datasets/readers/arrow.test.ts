/** Arrow's files and streams, as they are and with compressed buffers. */
import fs from 'node:fs';
import { tableFromArrays, tableToIPC } from '@uwdata/flechette';
import { afterAll, describe, expect, it } from 'vitest';
import { arrowLz4, arrowRows, arrowZstd, lz4Frame } from '../../../test-support/fixtures/packedArrow.ts';
import { graftError, TestFolder } from '../../../test-support/fixtures/dataFiles.ts';
import { readDataset } from '../read.ts';
import { unpackArrow, UnpacksTooLarge } from './arrowUnpack.ts';
import { unpackLz4Frame } from './lz4Frame.ts';

const folder = new TestFolder();
afterAll(() => folder.remove());
const values = async (file: string) => (await readDataset(file)).rows.map((row) => row.values);

describe('Arrow', () => {
  it.each(['file', 'stream'] as const)('%s', async (format) => {
    const table = tableFromArrays({ text: ['a', 'b'], label: [1, 0] });
    const file = folder.write(`rows-${format}.arrow`, tableToIPC(table, { format })!);
    expect(await readDataset(file)).toMatchObject({ format: 'arrow', columns: ['text', 'label'] });
    expect(await values(file)).toEqual([
      { text: 'a', label: 1 },
      { text: 'b', label: 0 },
    ]);
    const broken = folder.write('broken.arrow', fs.readFileSync(file).subarray(0, 120));
    expect(['DATASET_BROKEN', 'DATASET_EMPTY']).toContain((await graftError(() => readDataset(broken))).code);
  });
});

describe('Arrow with compressed buffers', () => {
  it.each([
    ['LZ4', arrowLz4],
    ['ZSTD', arrowZstd],
  ])('%s, as a file and as the stream in it', async (codec, packed) => {
    const bytes = packed();
    const stream = bytes.subarray(8, bytes.length - 10);
    for (const [name, content] of [
      ['file', bytes],
      ['stream', stream],
    ] as const) {
      const read = await readDataset(folder.write(`${codec}-${name}.feather`, content));
      expect(read).toMatchObject({ format: 'arrow', columns: ['text', 'label', 'kind'], bad: [] });
      expect(read.rows.map((row) => row.values)).toEqual(arrowRows);
    }
  });

  it('damaged ones are read as what they say, or end in an error', () => {
    const outcomes = [arrowLz4(), arrowZstd()].flatMap((packed) =>
      Array.from({ length: 200 }, (_, i) => {
        const damaged = Buffer.from(i % 2 ? packed : packed.subarray(0, packed.length - 4 * i - 1));
        for (let at = 7 * i + 9; at < damaged.length; at += 97) damaged[at]! ^= 1 << (i % 8);
        try {
          return unpackArrow(damaged, 2 ** 20).length > 0 ? 'read' : 'empty';
        } catch (error) {
          return error instanceof Error ? 'error' : error;
        }
      }),
    );
    expect([...new Set(outcomes)].sort()).toEqual(['empty', 'error', 'read']);
  });

  it('one that unpacks to more than is held is refused as such', () => {
    expect(() => unpackArrow(arrowZstd(), 100)).toThrow(UnpacksTooLarge);
  });

  it('an LZ4 frame whose blocks refer to each other is unpacked to its length, and to no other', () => {
    const text = 'The cat sat on the mat. '.repeat(6000);
    expect(Buffer.from(unpackLz4Frame(lz4Frame(), text.length)).toString()).toBe(text);
    for (const length of [text.length - 1, text.length + 1])
      expect(() => unpackLz4Frame(lz4Frame(), length)).toThrow(RangeError);
  });
});
