import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { castF32 } from './dtype.ts';
import { openSafetensors, readRowsF32, readTensorBytes, readTensorF32 } from './read.ts';
import { writeSafetensors, type TensorEntry } from './write.ts';
import { mountDisk, NO_DISK, temporaryFolder, values } from '../../test-support/fixtures/folders.ts';

/** A file with the given header (object or text) and `dataBytes` of data. */
function craft(header: unknown, dataBytes: number, claimedLength?: number): string {
  const file = path.join(temporaryFolder(), 'x.safetensors');
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(claimedLength ?? json.length));
  fs.writeFileSync(file, Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
  return file;
}

const f32 = (shape: number[], start: number, end: number): unknown => ({
  dtype: 'F32',
  shape,
  data_offsets: [start, end],
});

describe('openSafetensors refuses', () => {
  it.each([
    ['a header larger than the file', () => craft({}, 4, 1_000_000), 'SAFETENSORS_HEADER', 'claims 1000000 bytes'],
    ['a header length beyond 2^63', () => craft({}, 4, 2 ** 63), 'SAFETENSORS_HEADER', 'claims'],
    ['a header that is not JSON', () => craft('{"a":', 4), 'SAFETENSORS_HEADER', 'its header is not valid JSON'],
    ['a header that is a list', () => craft('[]', 4), 'SAFETENSORS_HEADER', 'not a JSON object'],
    [
      'an unknown dtype',
      () => craft({ w: { dtype: 'X9', shape: [1], data_offsets: [0, 4] } }, 4),
      'SAFETENSORS_TENSOR',
      'tensor w has dtype "X9"',
    ],
    [
      'a size that does not match the shape',
      () => craft({ w: f32([2, 2], 0, 12) }, 12),
      'SAFETENSORS_TENSOR',
      'takes 12 bytes, but F32 of shape [2, 2] needs 16',
    ],
    ['a negative dimension', () => craft({ w: f32([-1], 0, 4) }, 4), 'SAFETENSORS_TENSOR', 'shape [-1]'],
    [
      'overlapping tensors',
      () => craft({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12),
      'SAFETENSORS_TENSOR',
      'tensor b overlaps tensor a',
    ],
    ['a gap', () => craft({ a: f32([1], 4, 8) }, 8), 'SAFETENSORS_TENSOR', 'gap of 4 bytes'],
    ['bytes after the last tensor', () => craft({ a: f32([1], 0, 4) }, 5), 'SAFETENSORS_HEADER', '1 bytes follow'],
    [
      'a truncated file',
      () => craft({ a: f32([1], 0, 4), b: f32([4], 4, 20) }, 10),
      'SAFETENSORS_TRUNCATED',
      'tensor b ends beyond it',
    ],
  ])('%s', (_, make, code, text) => {
    const file = make();
    expect(() => openSafetensors(file)).toThrowError(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
    expect(() => openSafetensors(file)).toThrowError(file);
  });

  it('a file shorter than 8 bytes, and one that does not exist', () => {
    const dir = temporaryFolder();
    fs.writeFileSync(path.join(dir, 'short'), 'abc');
    expect(() => openSafetensors(path.join(dir, 'short'))).toThrowError(
      expect.objectContaining({ code: 'SAFETENSORS_TRUNCATED' }),
    );
    expect(() => openSafetensors(path.join(dir, 'none'))).toThrowError(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});

const entry = (name: string, dtype: 'F32' | 'F16' | 'BF16', shape: number[], data: Float32Array): TensorEntry => ({
  name,
  dtype,
  shape,
  data: () => castF32(data, dtype),
});

describe('reading and writing', () => {
  const golden = 'golden/llama/base/model.safetensors';
  it.skipIf(!hasShared(golden))(`writes byte for byte what the Python library writes${skipNote(golden)}`, async () => {
    const target = path.join(temporaryFolder(), 'copy.safetensors');
    const file = openSafetensors(sharedPath(golden));
    const backwards = [...file.tensors.values()].reverse().map((info): TensorEntry => ({
      name: info.name,
      dtype: info.dtype,
      shape: info.shape,
      data: () => readTensorBytes(info),
    }));
    const written = await writeSafetensors(target, backwards, file.metadata);
    file.close();
    expect(fs.readFileSync(target).equals(fs.readFileSync(sharedPath(golden)))).toBe(true);
    expect(written.sizeBytes).toBe(fs.statSync(target).size);
  });

  it('reads back values, rows and other dtypes; the header is padded to 8 bytes', async () => {
    const target = path.join(temporaryFolder(), 'x.safetensors');
    const matrix = values(12, 3);
    const ids: TensorEntry = { name: 'ids', dtype: 'I64', shape: [1], data: () => new Uint8Array(8).fill(1) };
    await writeSafetensors(target, [
      entry('h', 'F16', [3], Float32Array.of(1, -2.5, 65504)),
      entry('m', 'F32', [4, 3], matrix),
      ids,
      entry('s', 'BF16', [], Float32Array.of(3)),
    ]);
    const file = openSafetensors(target);
    expect(file.headerBytes.length % 8).toBe(0);
    expect([...file.tensors.keys()]).toEqual(['ids', 'm', 'h', 's']);
    expect(readTensorF32(file.tensors.get('m')!)).toEqual(matrix);
    expect(readRowsF32(file.tensors.get('m')!, 1, 2)).toEqual(matrix.slice(3, 9));
    expect([...readRowsF32(file.tensors.get('h')!, 1, 2)]).toEqual([-2.5, 65504]);
    expect([...readTensorF32(file.tensors.get('s')!)]).toEqual([3]);
    expect(readTensorBytes(file.tensors.get('ids')!)).toEqual(new Uint8Array(8).fill(1));
    expect(() => readTensorF32(file.tensors.get('ids')!)).toThrowError(
      expect.objectContaining({ code: 'TENSOR_NOT_FLOAT' }),
    );
    expect(() => readRowsF32(file.tensors.get('m')!, 3, 2)).toThrowError(
      expect.objectContaining({ code: 'TENSOR_ROWS' }),
    );
    file.close();
    expect(() => readTensorF32(file.tensors.get('m')!)).toThrowError(expect.objectContaining({ code: 'FILE_CLOSED' }));
  });

  it('reads a tensor of half-precision values that is larger than what is read at once', async () => {
    const halves = new Uint16Array((1 << 22) + 5);
    for (let i = 0; i < halves.length; i++) halves[i] = (i * 40503) & 0x7f7f;
    const bytes = new Uint8Array(halves.buffer);
    const target = path.join(temporaryFolder(), 'large.safetensors');
    await writeSafetensors(target, [{ name: 'm', shape: [halves.length], dtype: 'BF16', data: () => bytes }]);
    const file = openSafetensors(target);
    const bits = new Uint32Array(readTensorF32(file.tensors.get('m')!).slice().buffer);
    file.close();
    expect(bits.length).toBe(halves.length);
    let same = 0;
    for (let i = 0; i < bits.length; i++) if (bits[i] === halves[i]! << 16) same++;
    expect(same).toBe(halves.length);
  });

  it('leaves the old file and nothing else when data is short, names repeat, or the source throws', async () => {
    const dir = temporaryFolder();
    const target = path.join(dir, 'x.safetensors');
    fs.writeFileSync(target, 'old');
    const good = entry('a', 'F32', [2], values(2, 0));
    const failing: TensorEntry = {
      name: 'b',
      dtype: 'F32',
      shape: [2],
      data: () => {
        throw new Error('source broke');
      },
    };
    await expect(writeSafetensors(target, [good, entry('b', 'F32', [3], values(2, 0))])).rejects.toMatchObject({
      code: 'SAFETENSORS_WRITE',
    });
    await expect(writeSafetensors(target, [good, good])).rejects.toMatchObject({ code: 'SAFETENSORS_WRITE' });
    await expect(writeSafetensors(target, [good, failing])).rejects.toThrow('source broke');
    expect(fs.readdirSync(dir)).toEqual(['x.safetensors']);
    expect(fs.readFileSync(target, 'utf8')).toBe('old');
  });

  it('says so when the disk is full, and leaves nothing', async ({ skip }) => {
    const disk = mountDisk('size=64k');
    if (!disk) return skip(NO_DISK);
    const target = path.join(disk, 'x.safetensors');
    await expect(writeSafetensors(target, [entry('a', 'F32', [50_000], values(50_000, 0))])).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(target),
    });
    expect(fs.readdirSync(disk)).toEqual([]);
  });

  it('says so when the folder is a file', async () => {
    const file = path.join(temporaryFolder(), 'file');
    fs.writeFileSync(file, '');
    await expect(writeSafetensors(path.join(file, 'x'), [])).rejects.toMatchObject({ code: 'NOT_A_FOLDER' });
  });
});
