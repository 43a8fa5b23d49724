/** Tensors into memory that is there, against the bytes of the file. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { fillTensorF32 } from './fill.ts';
import { openSafetensors, type SafetensorsFile } from './read.ts';

/** Beyond two pieces of 4 MiB in every type, and no whole number of them. */
const MANY = 4_500_001;

/** A file of one tensor `w`; the bytes are those given. */
function openFileOf(dtype: 'F32' | 'F16' | 'BF16' | 'I32', bytes: Uint8Array): SafetensorsFile {
  const width = dtype === 'F32' || dtype === 'I32' ? 4 : 2;
  const header = Buffer.from(
    JSON.stringify({ w: { dtype, shape: [bytes.length / width], data_offsets: [0, bytes.length] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const file = path.join(temporaryFolder(), 'w.safetensors');
  fs.writeFileSync(file, Buffer.concat([length, header, bytes]));
  const opened = openSafetensors(file);
  onTestFinished(() => opened.close());
  return opened;
}

/** Integers up to 251, which every type holds as they are. */
const valueAt = (i: number): number => i % 251;

/** Bits of a whole number in [0, 256) as binary16 or bfloat16, from its place of the highest bit. */
function halfBits(value: number, dtype: 'F16' | 'BF16'): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(value));
  const rest = value / 2 ** exponent - 1;
  return dtype === 'F16' ? ((exponent + 15) << 10) + rest * 1024 : ((exponent + 127) << 7) + rest * 128;
}

it.each(['F32', 'F16', 'BF16'] as const)('%s in several pieces, and no value beside them', async (dtype) => {
  const bytes =
    dtype === 'F32'
      ? new Uint8Array(Float32Array.from({ length: MANY }, (_, i) => valueAt(i)).buffer)
      : new Uint8Array(Uint16Array.from({ length: MANY }, (_, i) => halfBits(valueAt(i), dtype)).buffer);
  const info = openFileOf(dtype, bytes).tensors.get('w')!;
  const room = new Float32Array(MANY + 2).fill(-1);
  await fillTensorF32(info, room.subarray(1, -1));
  expect([room[0], room.at(-1)]).toEqual([-1, -1]);
  expect(room.subarray(1, -1).every((value, i) => value === valueAt(i))).toBe(true);
});

it('a file that was cut after it was opened, one that was closed, and whole numbers are told', async () => {
  const cut = openFileOf('F32', new Uint8Array(4 * MANY));
  fs.truncateSync(cut.file, 10_000_000);
  const room = new Float32Array(MANY);
  await expect(fillTensorF32(cut.tensors.get('w')!, room)).rejects.toMatchObject({ code: 'SAFETENSORS_TRUNCATED' });
  cut.close();
  await expect(fillTensorF32(cut.tensors.get('w')!, room)).rejects.toMatchObject({ code: 'FILE_CLOSED' });
  const whole = openFileOf('I32', new Uint8Array(8)).tensors.get('w')!;
  await expect(fillTensorF32(whole, new Float32Array(2))).rejects.toMatchObject({ code: 'TENSOR_NOT_FLOAT' });
});
