/** A disk that fills up during a run: one sentence, and nothing half-written. */
import path from 'node:path';
import { expect, it } from 'vitest';
import { mountDisk, NO_DISK } from '../../../test-support/fixtures/folders.ts';
import { filesBelow, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { CallControl } from '../control.ts';
import { train } from './train.ts';

const tooLittleRoom = (target: string) => ({
  code: 'DISK_FULL',
  message: expect.stringMatching(
    new RegExp(`^The disk has too little room for ${target}: .* are needed .* are missing; free some space`),
  ) as string,
});

it('a run state that does not fit on the disk', async ({ skip }) => {
  const disk = mountDisk('size=4k');
  if (!disk) return skip(NO_DISK);
  const spec = { ...(await tinyRun({ train: { steps: 3, checkpointEvery: 1 } })), runDir: disk };
  const failed = train(spec, false, () => undefined, new CallControl());
  await expect(failed).rejects.toMatchObject(tooLittleRoom(path.join(disk, 'checkpoint.safetensors')));
  expect(filesBelow(disk)).toEqual([]);
});

it('an adapter that does not fit on the disk', async ({ skip }) => {
  const disk = mountDisk('size=12k');
  if (!disk) return skip(NO_DISK);
  const spec = { ...(await tinyRun({ train: { steps: 1 } })), outDir: path.join(disk, 'adapter') };
  const failed = train(spec, false, () => undefined, new CallControl());
  await expect(failed).rejects.toMatchObject(tooLittleRoom(spec.outDir));
  expect(filesBelow(disk)).toEqual([]);
});
