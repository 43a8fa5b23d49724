/** Exports beyond the plain merge: what is planned is what is written, copies, scales, cancelling, a full disk. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountDisk, NO_DISK } from '../../test-support/fixtures/folders.ts';
import type { ExportEvent } from '../app/exports/service.ts';
import { MODEL, openBench, smallRun } from '../../test-support/rigs/services.ts';
import type { TestBench } from '../../test-support/rigs/services.ts';
import { filesBelow } from '../../test-support/rigs/tinyRun.ts';
import type { AdapterView } from './types.ts';
import { errorDataOf } from './trpc.ts';

let bench: TestBench;
let adapters: AdapterView[];

beforeAll(async () => {
  bench = openBench();
  const spec = await smallRun(bench, { steps: 3 }, MODEL);
  for (const seed of [1, 2]) {
    const { id } = await bench.api.runs.start({ ...spec, train: { ...spec.train, seed } });
    await bench.services.runs.finished(id);
  }
  const prefix = await bench.api.runs.start({ ...spec, method: { type: 'prefix' } });
  await bench.services.runs.finished(prefix.id);
  adapters = await bench.api.adapters.list();
});
afterAll(() => bench.close());

const ended = (id: string) => bench.services.exports.finished(id);
const bytesOf = (dir: string): number =>
  filesBelow(dir).reduce((sum, file) => sum + fs.statSync(path.join(dir, file)).size, 0);

describe('what is planned', () => {
  it.each([undefined, 'bf16', 'f32'] as const)('is what is written, as %s', async (dtype) => {
    const request = {
      adapterId: adapters[0]!.id,
      outDir: path.join(bench.dir, `as-${dtype}`),
      ...(dtype ? { dtype } : {}),
    };
    const plan = await bench.api.exports.plan(request);
    expect(plan).toMatchObject({ outDir: request.outDir, problem: null });
    const { id } = await bench.api.exports.start(request);
    expect(await ended(id)).toMatchObject({ status: 'completed', format: 'hf', tasks: null });
    expect(plan.files.map(({ name }) => name).sort()).toEqual(filesBelow(request.outDir).sort());
    expect(Math.abs(plan.totalBytes - bytesOf(request.outDir))).toBeLessThan(2000);
    expect(plan.freeBytes).toBeGreaterThan(plan.totalBytes);
  });

  it('says why a method cannot be merged, and that its adapter can be copied', async () => {
    const prefix = adapters.find(({ method }) => method.type === 'prefix')!;
    const merged = await bench.api.exports.plan({ adapterId: prefix.id, outDir: path.join(bench.dir, 'x') });
    expect(merged.problem).toMatchObject({
      code: 'NOT_MERGEABLE',
      message: expect.stringMatching(/virtual tokens.*export the adapter only/) as string,
    });
    expect(
      (await bench.api.exports.plan({ format: 'peft', adapterId: prefix.id, outDir: path.join(bench.dir, 'x') }))
        .problem,
    ).toBeNull();
  });

  it('names a folder that exists', async () => {
    expect((await bench.api.exports.plan({ adapterId: adapters[0]!.id, outDir: bench.dir })).problem).toMatchObject({
      code: 'FOLDER_EXISTS',
    });
  });
});

it('copies an adapter byte for byte, and writes a card beside it', async () => {
  const outDir = path.join(bench.dir, 'copied');
  const { id } = await bench.api.exports.start({ format: 'peft', adapterId: adapters[0]!.id, outDir });
  const record = await ended(id);
  expect(record).toMatchObject({
    status: 'completed',
    format: 'peft',
    result: { certificate: null, sha256: adapters[0]!.sha256, sizeBytes: bytesOf(outDir) },
  });
  const copied = filesBelow(outDir).filter((file) => file !== 'README.md');
  expect(copied.sort()).toEqual(filesBelow(adapters[0]!.dir).sort());
  for (const file of copied)
    expect(fs.readFileSync(path.join(outDir, file))).toEqual(fs.readFileSync(path.join(adapters[0]!.dir, file)));
});

it('merges two adapters with scales, proven against their weighted sum', async () => {
  const [first, second] = adapters;
  const request = {
    adapters: [
      { adapterId: first!.id, scale: 0.5 },
      { adapterId: second!.id, scale: -1 },
    ],
    outDir: path.join(bench.dir, 'both'),
  };
  expect((await bench.api.exports.plan(request)).problem).toBeNull();
  const { id } = await bench.api.exports.start(request);
  const record = await ended(id);
  expect(record).toMatchObject({
    status: 'completed',
    tasks: [
      { adapterDir: first!.dir, scale: 0.5 },
      { adapterDir: second!.dir, scale: -1 },
    ],
  });
  expect(record.result!.certificate).toMatchObject({
    passed: true,
    tasks: [
      { adapterSha256: first!.sha256, scale: 0.5 },
      { adapterSha256: second!.sha256, scale: -1 },
    ],
  });
});

it('a cancelled export leaves nothing, not even the folders on the way', async () => {
  const before = filesBelow(bench.dir);
  const outDir = path.join(bench.dir, 'made', 'on', 'the', 'way');
  const { id } = await bench.api.exports.start({ adapterId: adapters[0]!.id, outDir });
  await new Promise<void>((resolve) => {
    const stop = bench.services.exports.subscribe(id, (event: ExportEvent) => {
      if (event.type !== 'progress') return;
      stop();
      resolve();
    });
  });
  expect(await bench.api.exports.cancel({ id })).toMatchObject({
    status: 'failed',
    error: { code: 'EXPORT_CANCELLED' },
  });
  expect(fs.existsSync(path.join(bench.dir, 'made'))).toBe(false);
  const noise = /graft\.db/;
  expect(filesBelow(bench.dir).filter((file) => !noise.test(file))).toEqual(before.filter((file) => !noise.test(file)));
  await expect(bench.api.exports.cancel({ id })).rejects.toThrow(/not under way/);
  await bench.api.exports.remove({ id });
  expect((await bench.api.exports.list()).map((record) => record.id)).not.toContain(id);
});

describe('a disk that is too small', () => {
  it('refuses the start with the missing bytes', async ({ skip }) => {
    const disk = mountDisk('size=64k');
    if (!disk) return skip(NO_DISK);
    const request = { adapterId: adapters[0]!.id, outDir: path.join(disk, 'merged') };
    const { problem, totalBytes, freeBytes } = await bench.api.exports.plan(request);
    const details = { path: request.outDir, neededBytes: totalBytes, freeBytes };
    expect(problem).toMatchObject({ code: 'DISK_FULL', details });
    const error = errorDataOf(await bench.api.exports.start(request).catch((e: unknown) => e));
    expect(error).toMatchObject({
      code: 'DISK_FULL',
      details,
      message: expect.stringMatching(
        /64\.0 KiB are free, so [\d.]+ [KM]iB are missing; free some space or choose another folder\./,
      ) as string,
    });
  });

  it('that fills up meanwhile fails with the missing bytes, and nothing stays', async ({ skip }) => {
    const disk = mountDisk('size=3m');
    if (!disk) return skip(NO_DISK);
    const { id } = await bench.api.exports.start({ adapterId: adapters[0]!.id, outDir: path.join(disk, 'merged') });
    fs.writeFileSync(path.join(disk, 'film'), Buffer.alloc(2_900_000));
    const record = await ended(id);
    expect(record).toMatchObject({
      status: 'failed',
      error: { code: 'DISK_FULL', details: { path: path.join(disk, 'merged') } },
    });
    expect(record.error!.details!['neededBytes']).toBeGreaterThan(record.error!.details!['freeBytes'] as number);
    expect(fs.readdirSync(disk)).toEqual(['film']);
  });
});

// It ends the bench's Graft, so it comes last.
it('an export that is cut off by the end of Graft leaves no folders on the way either', async () => {
  const outDir = path.join(bench.dir, 'cut', 'off', 'here');
  const { id } = await bench.api.exports.start({ adapterId: adapters[0]!.id, outDir });
  await new Promise<void>((resolve) => void bench.services.exports.subscribe(id, () => resolve()));
  await bench.services.close();
  expect(fs.existsSync(path.join(bench.dir, 'cut'))).toBe(false);
});
