/** Files as a second reader sees them, and that nothing half-written stays. */
import fs from 'node:fs';
import path from 'node:path';
import { gguf } from '@huggingface/gguf';
import { describe, expect, it } from 'vitest';
import {
  mountDisk,
  NO_DISK,
  temporaryFolder,
  tinyEntries,
  TINY_CONFIG,
  writeTiny,
} from '../../test-support/fixtures/folders.ts';
import { byteTokenizer } from '../../test-support/fixtures/byteTokenizer.ts';
import { openBaseModel } from '../basemodel/baseModel.ts';
import { exportGguf } from './exportGguf.ts';
import { bool, float32, numbers, string, strings, uint32, type GgufMetadata } from './header.ts';
import { writeGguf, type GgufTensor } from './write.ts';

const METADATA: GgufMetadata = new Map([
  ['general.architecture', string('llama')],
  ['a.number', uint32(4_000_000_000)],
  ['a.fraction', float32(0.5)],
  ['a.flag', bool(true)],
  ['a.text', string('Grüße, 世界 🙂')],
  ['texts', strings(['', 'ß'])],
  ['scores', numbers('float32', [-1, 0.25])],
  ['types', numbers('int32', [-1, 6])],
]);

const tensor = (name: string, values: number[], dims: number[]): GgufTensor => ({
  name,
  dims,
  type: 'F32',
  pieces: () => [Float32Array.from(values)],
});

describe('a file', () => {
  it('is read by Hugging Face’s parser: metadata, names, shapes, offsets', async () => {
    const file = path.join(temporaryFolder(), 'x.gguf');
    const { sizeBytes } = await writeGguf(file, {
      metadata: METADATA,
      tensors: [tensor('first', [1, 2, 3], [3]), tensor('second', [4, 5, 6, 7, 8, 9], [3, 2])],
    });
    const found = await gguf(file, { allowLocalFile: true });
    for (const [key, { value }] of METADATA) expect(Reflect.get(found.metadata, key), key).toEqual(value);
    expect(found.tensorInfos).toEqual([
      { name: 'first', n_dims: 1, shape: [3n], dtype: 0, offset: 0n },
      { name: 'second', n_dims: 2, shape: [3n, 2n], dtype: 0, offset: 32n },
    ]);
    const bytes = Uint8Array.from(fs.readFileSync(file));
    expect(bytes.length).toBe(sizeBytes);
    const start = Number(found.tensorDataOffset) + 32;
    expect([...new Float32Array(bytes.buffer.slice(start, start + 24))]).toEqual([4, 5, 6, 7, 8, 9]);
  });
});

describe('nothing half-written stays', () => {
  it('when it is cancelled', async () => {
    const dir = temporaryFolder();
    const [file, stop] = [path.join(dir, 'x.gguf'), new AbortController()];
    fs.writeFileSync(file, 'older');
    const reason = new Error('the user has had enough');
    const tensors = [tensor('first', [1], [1]), tensor('second', [2], [1])];
    const onProgress = (): void => stop.abort(reason);
    await expect(writeGguf(file, { metadata: METADATA, tensors }, { signal: stop.signal, onProgress })).rejects.toBe(
      reason,
    );
    expect(fs.readdirSync(dir)).toEqual(['x.gguf']);
    expect(fs.readFileSync(file, 'utf8')).toBe('older');
  });

  it('when a tensor gives fewer values than it has', async () => {
    const dir = temporaryFolder();
    const tensors = [tensor('short', [1, 2], [3])];
    await expect(writeGguf(path.join(dir, 'x.gguf'), { metadata: METADATA, tensors })).rejects.toMatchObject({
      code: 'GGUF_WRITE',
      message: expect.stringContaining('tensor short gave 8 bytes, but F32 of [3] needs 12'),
    });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('when the disk fills up meanwhile', async ({ skip }) => {
    const disk = mountDisk('size=48k');
    if (!disk) return skip(NO_DISK);
    const file = path.join(disk, 'x.gguf');
    const tensors = [
      tensor(
        'big',
        Array.from({ length: 20_000 }, () => 1),
        [20_000],
      ),
    ];
    await expect(writeGguf(file, { metadata: METADATA, tensors })).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(file),
    });
    expect(fs.readdirSync(disk)).toEqual([]);
  });

  it('and nothing is begun where the disk has too little room', async ({ skip }) => {
    const disk = mountDisk('size=16k');
    if (!disk) return skip(NO_DISK);
    const config = { ...TINY_CONFIG, hidden_size: 64 };
    const base = openBaseModel(await writeTiny(path.join(temporaryFolder(), 'base'), tinyEntries(config), config));
    const outFile = path.join(disk, 'x.gguf');
    const source = { base, quantise: 'F32', tokenizerMetadata: byteTokenizer(16), outFile } as const;
    const onProgress = (): void => expect.unreachable();
    await expect(exportGguf({ ...source, onProgress })).rejects.toMatchObject({ code: 'DISK_FULL' });
    base.close();
  });
});
