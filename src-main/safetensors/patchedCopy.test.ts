import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { castF32, widenInto } from './dtype.ts';
import type { EditRows } from './editedRows.ts';
import { writePatchedCopy } from './patchedCopy.ts';
import { openSafetensors, type SafetensorsFile } from './read.ts';

let dir: string;
let source: SafetensorsFile;

/** A file whose header is not in our writer's order: c (I32), then b (BF16), then a (F32), padded with three spaces. */
function writeSource(file: string): void {
  const c = new Uint8Array(Int32Array.of(7, -1).buffer);
  const b = castF32(Float32Array.of(1, 2, 3, 4, 5, 6), 'BF16');
  const a = castF32(Float32Array.of(10, 20, 30, 40), 'F32');
  const header = Buffer.from(
    `${JSON.stringify({
      c: { dtype: 'I32', shape: [2], data_offsets: [0, 8] },
      b: { dtype: 'BF16', shape: [3, 2], data_offsets: [8, 20] },
      a: { dtype: 'F32', shape: [4], data_offsets: [20, 36] },
    })}   `,
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  fs.writeFileSync(file, Buffer.concat([length, header, c, b, a]));
}

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-patch-'));
  writeSource(path.join(dir, 'source.safetensors'));
  source = openSafetensors(path.join(dir, 'source.safetensors'));
});
afterEach(() => {
  source.close();
  fs.rmSync(dir, { recursive: true });
});

it.each([
  [4, false],
  [8, false],
  [1 << 20, false],
  [8, true],
])(
  'changes the rows asked for and not one other byte, in chunks of %i bytes; hashed in a thread: %s',
  async (chunkBytes, inThread) => {
    const before = fs.readFileSync(source.file);
    const target = path.join(dir, 'target.safetensors');
    let seen = 0;
    const change: EditRows = (rows, startRow) =>
      rows.forEach((_, i) => (rows[i]! += 100 * (startRow + Math.floor(i / 2) + 1)));
    const changes = new Map([['b', change]]);
    const { sizeBytes, sha256 } = await writePatchedCopy(source, target, {
      changes,
      chunkBytes,
      onBytes: (bytes) => (seen += bytes),
      inThread,
    });
    const after = fs.readFileSync(target);
    const { offset, byteLength } = source.tensors.get('b')!;
    expect(after.subarray(0, offset)).toEqual(before.subarray(0, offset));
    expect(after.subarray(offset + byteLength)).toEqual(before.subarray(offset + byteLength));
    const values = new Float32Array(6);
    widenInto(
      values,
      new Uint16Array(after.buffer.slice(after.byteOffset + offset, after.byteOffset + offset + byteLength)),
      'BF16',
    );
    // 305 is between two bfloat16 values, the even one is 304
    expect([...values]).toEqual([101, 102, 203, 204, 304, 306]);
    expect(sha256).toBe(createHash('sha256').update(after).digest('hex'));
    expect([sizeBytes, seen]).toEqual([before.length, before.length]);
    expect(fs.readFileSync(source.file)).toEqual(before);
  },
);

it.each([true, false])(
  'what the caller throws stops it and leaves nothing; hashed in a thread: %s',
  async (inThread) => {
    const target = path.join(dir, 'target.safetensors');
    const changes = new Map<string, EditRows>([['a', () => undefined]]);
    const onBytes = (): void => {
      throw new Error('enough');
    };
    await expect(writePatchedCopy(source, target, { changes, chunkBytes: 8, onBytes, inThread })).rejects.toThrow(
      'enough',
    );
    expect(fs.readdirSync(dir)).toEqual(['source.safetensors']);
  },
);

it('in a thread, too, the first failure is told and nothing stays', async () => {
  const target = path.join(dir, 'target.safetensors');
  const changes = new Map<string, EditRows>([['a', (rows) => void rows.fill(NaN)]]);
  const options = { changes, chunkBytes: 8, onBytes: () => undefined, inThread: true };
  await expect(writePatchedCopy(source, target, options)).rejects.toMatchObject({ code: 'WEIGHT_NOT_FINITE' });
  expect(fs.readdirSync(dir)).toEqual(['source.safetensors']);
  source.close();
  await expect(writePatchedCopy(source, target, options)).rejects.toMatchObject({ code: 'FILE_CLOSED' });
  expect(fs.readdirSync(dir)).toEqual(['source.safetensors']);
});

it('a change that fails, or a base that cannot be written to, leaves nothing or a file of our own', async () => {
  const target = path.join(dir, 'target.safetensors');
  const changes = new Map<string, EditRows>([['a', (rows) => void rows.fill(NaN)]]);
  await expect(
    writePatchedCopy(source, target, { changes, chunkBytes: 8, onBytes: () => undefined }),
  ).rejects.toMatchObject({ code: 'WEIGHT_NOT_FINITE' });
  expect(fs.readdirSync(dir)).toEqual(['source.safetensors']);
  fs.chmodSync(source.file, 0o444);
  await writePatchedCopy(source, target, { changes: new Map(), chunkBytes: 8, onBytes: () => undefined });
  expect(fs.statSync(target).mode & 0o200).toBe(0o200);
});
