/** A disk that fills up during a run: one sentence, and nothing half-written. */
import path from 'node:path';
import { expect, it } from 'vitest';
import { mountDisk, NO_DISK } from '../../../test-support/fixtures/folders.ts';
import { filesBelow, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { CallControl } from '../control.ts';
import { train } from './train.ts';

it('a run state that does not fit on the disk', async ({ skip }) => {
  const disk = mountDisk('size=4k');
  if (!disk) return skip(NO_DISK);
  const spec = { ...(await tinyRun({ train: { steps: 3, checkpointEvery: 1 } })), runDir: disk };
  const failed = train(spec, false, () => undefined, new CallControl());
  await expect(failed).rejects.toMatchObject({
    code: 'DISK_FULL',
    message:
      `The disk is full while writing ${path.join(disk, 'checkpoint.safetensors')}; free some space or choose ` +
      'another folder.',
  });
  expect(filesBelow(disk)).toEqual([]);
});

it('an adapter that does not fit on the disk', async ({ skip }) => {
  const disk = mountDisk('size=4k');
  if (!disk) return skip(NO_DISK);
  const spec = { ...(await tinyRun({ train: { steps: 1 } })), outDir: path.join(disk, 'adapter') };
  const failed = train(spec, false, () => undefined, new CallControl());
  await expect(failed).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: `The disk is full while writing ${spec.outDir}; free some space or choose another folder.`,
  });
  expect(filesBelow(disk)).toEqual([]);
});
