import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { isAlive } from '../../files/isAlive.ts';
import { forkWorker } from './channel.ts';
import { WorkerClient, Workers } from './client.ts';

const FAKE = path.join(import.meta.dirname, '../../../test-support/fakes/fakeWorker.ts');
const clients: WorkerClient[] = [];

function fakeClient(entry = FAKE): WorkerClient {
  const client = new WorkerClient(forkWorker(null, entry));
  clients.push(client);
  return client;
}

afterEach(() => clients.splice(0).forEach((client) => client.kill()));

it('finds its answer among garbage', async () => {
  expect(await fakeClient().call('engines', { calibrate: false }).promise).toEqual([]);
});

it('reports an exit code with the last line of stderr', async () => {
  const load = fakeClient().call('load', { engine: 'wasm', modelDir: '/x' }).promise;
  await expect(load).rejects.toMatchObject({
    code: 'WORKER_CRASHED',
    message: expect.stringMatching(/ended with exit code 3, last saying "out of memory: 7 bytes short"; try again/),
  });
});

it('reports a signal, and refuses further calls the same way', async () => {
  const client = fakeClient();
  await expect(client.call('attach', { adapterDir: null }).promise).rejects.toMatchObject({
    code: 'WORKER_CRASHED',
    message: expect.stringMatching(/was ended by SIGKILL/),
  });
  expect(client.alive).toBe(false);
  await expect(client.call('engines', { calibrate: false }).promise).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
});

it('reports a worker that cannot start', async () => {
  const call = fakeClient(path.join(import.meta.dirname, 'no-such-file.ts')).call('engines', { calibrate: false });
  await expect(call.promise).rejects.toMatchObject({
    code: 'WORKER_CRASHED',
    message: expect.stringMatching(/exit code 1/),
  });
});

it('ends every process on close', async () => {
  const workers = new Workers(() => forkWorker(null, FAKE));
  const pids = [workers.spawn().pid!, workers.spawn().pid!];
  expect(pids.every((pid) => isAlive(pid))).toBe(true);
  await workers.close();
  expect(pids.some((pid) => fs.existsSync(`/proc/${pid}`) || isAlive(pid))).toBe(false);
});
