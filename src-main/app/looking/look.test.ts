/** Folders are looked at in a thread of their own: the caller's goes on, and a look can be ended. */
import fs from 'node:fs';
import { expect, it } from 'vitest';
import path from 'node:path';
import { temporaryFolder, writeTiny } from '../../../test-support/fixtures/folders.ts';
import { MODEL } from '../../../test-support/rigs/services.ts';
import { look } from './look.ts';

/** Takes nothing on the disk, and seconds to read. */
function sparseFile(): string {
  const file = path.join(temporaryFolder(), 'sparse');
  fs.closeSync(fs.openSync(file, 'w'));
  fs.truncateSync(file, 4 * 2 ** 30);
  return file;
}

it('answers as the function itself, also when two are asked at once', async () => {
  const tiny = await writeTiny(path.join(temporaryFolder(), 'm'));
  const [one, two] = await Promise.all([look('readModel', [MODEL]), look('matricesOf', [tiny])]);
  expect(one).toMatchObject({ dir: MODEL, family: 'llama' });
  expect(two).toContainEqual({ target: 'q', inFeatures: 8, outFeatures: 8 });
});

it('passes a refusal on with its code and its details', async () => {
  const dir = temporaryFolder();
  await expect(look('readModel', [dir])).rejects.toMatchObject({ code: 'CHECKPOINT_NO_CONFIG', details: { dir } });
});

it('does not hold the thread of the caller', async () => {
  const controller = new AbortController();
  let answered = false;
  const called = look('fileSha256', [sparseFile()], { signal: controller.signal }).finally(() => (answered = true));
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  expect(answered).toBe(false);
  controller.abort();
  await expect(called).rejects.toMatchObject({ code: 'CANCELLED' });
});

it('is called off at once, and the next look is answered', async () => {
  const controller = new AbortController();
  const called = look('readModel', [MODEL], { signal: controller.signal });
  controller.abort();
  await expect(called).rejects.toMatchObject({ code: 'CANCELLED' });
  await expect(look('readModel', [MODEL], { signal: controller.signal })).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await look('readModel', [MODEL])).toMatchObject({ family: 'llama' });
});

it('is given up at its deadline, naming the file', async () => {
  const file = sparseFile();
  await expect(look('fileSha256', [file], { deadlineMs: 0 })).rejects.toMatchObject({
    code: 'LOOK_TOO_LONG',
    message: expect.stringContaining(file) as string,
  });
});
