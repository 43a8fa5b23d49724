/**
 * A real pause: the worker and its memory go, the half-trained adapter can be tried out, and the run goes on exactly.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { packedCacheDir } from '../../loading/packedCache.ts';
import type { SpawnWorker, WorkerChannel } from '../workers/channel.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { openBench, smallRun } from '../../../test-support/rigs/services.ts';
import type { TestBench } from '../../../test-support/rigs/services.ts';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import type { RunView } from './view.ts';

const STEPS = 40;
let b: TestBench;

afterEach(() => b.close());

const weights = (dir: string): Buffer => fs.readFileSync(path.join(dir, 'adapter_model.safetensors'));
const isGone = (pid: number): boolean => !fs.existsSync(`/proc/${pid}`);

/** Pauses the run after its first steps; returns it, and the worker process that it had. */
async function pausedRun(id: string): Promise<{ run: RunView; pid: number }> {
  await untilEvent(b, id, (event) => event.type === 'step');
  const { pid } = b.services.runs.require(id);
  const paused = untilEvent(b, id, (event) => event.type === 'status' && event.run.status === 'paused');
  expect(b.services.runs.pause(id)).toMatchObject({ status: 'running', asked: 'pause' });
  await paused;
  return { run: b.services.runs.require(id), pid: pid! };
}

it('frees the worker, lets the queue go on, outlives a restart, and ends as an uninterrupted run does', async () => {
  b = openBench();
  const input = await smallRun(b, { steps: STEPS, checkpointEvery: 0, evalEvery: 10 });
  const whole = await b.services.runs.start(input);
  const run = await b.services.runs.start(input);
  await b.services.runs.finished(whole.id);
  const behind = await b.services.runs.start({ ...input, train: { ...input.train, steps: 2 } });

  const { run: paused, pid } = await pausedRun(run.id);
  expect(paused).toMatchObject({
    ownerPid: null,
    pid: null,
    asked: null,
    resumable: false,
    interim: { outcome: 'paused' },
    result: null,
  });
  expect(isGone(pid)).toBe(true);
  expect(paused.interim!.steps).toBeLessThan(STEPS);
  expect((await b.services.runs.finished(behind.id)).status).toBe('completed');
  expect(b.services.catalog.adapters.list().map(({ runId }) => runId)).not.toContain(run.id);

  await b.reopen();
  expect(b.services.runs.require(run.id)).toMatchObject({
    status: 'paused',
    interimAdapterDir: paused.interimAdapterDir,
  });
  expect(weights(paused.interimAdapterDir!)).not.toEqual(weights(b.services.runs.require(whole.id).result!.outDir));
  await b.api.playground.attachRun({ runId: run.id });
  expect(b.services.playground.state).toMatchObject({
    modelDir: paused.spec.model.dir,
    adapterDir: paused.interimAdapterDir,
  });

  const continued = await b.api.runs.continue({ id: run.id });
  expect(continued.status).not.toBe('paused');
  const ended = await b.services.runs.finished(run.id);
  expect(ended).toMatchObject({
    status: 'completed',
    interim: null,
    interimAdapterDir: null,
    result: { steps: STEPS },
  });
  const other = b.services.runs.require(whole.id).result!;
  expect(weights(ended.result!.outDir)).toEqual(weights(other.outDir));
  const picture = (id: string) => [
    b.services.catalog.metrics.after(id, 0).map(({ step, loss }) => [step, loss]),
    b.services.catalog.metrics.evaluations(id),
  ];
  expect(picture(run.id)).toEqual(picture(whole.id));
  expect((await b.api.runs.log({ id: run.id })).map(({ message }) => message)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^Training begins with/),
      `Paused after step ${paused.interim!.steps}; its memory is free again.`,
      expect.stringMatching(new RegExp(`^Training goes on after step ${paused.interim!.steps} with`)),
      expect.stringMatching(/^Completed after step 40/),
    ]),
  );
});

it('stopped while it is paused, keeps what it had as its adapter', async () => {
  b = openBench();
  const { id } = await b.services.runs.start(await smallRun(b, { steps: 5000, checkpointEvery: 0 }));
  const { run } = await pausedRun(id);
  const interim = weights(run.interimAdapterDir!);
  const stopped = await b.api.runs.stop({ id });
  expect(stopped).toMatchObject({
    status: 'stopped',
    resumable: true,
    interim: null,
    result: { outcome: 'stopped', steps: run.interim!.steps, outDir: run.spec.outDir },
  });
  const [adapter] = b.services.catalog.adapters.list();
  expect(adapter).toMatchObject({ runId: id, dir: run.spec.outDir, sha256: run.interim!.sha256 });
  expect(weights(adapter!.dir)).toEqual(interim);
});

it('paused before training begins, it is paused at once and later starts from the beginning', async () => {
  b = openBench();
  const input = await smallRun(b, { steps: 3 });
  const whole = await b.services.runs.start(input);
  await b.services.runs.finished(whole.id);
  const { id } = await b.services.runs.start(input);
  const paused = untilEvent(b, id, (event) => event.type === 'status' && event.run.status === 'paused');
  b.services.runs.pause(id);
  await paused;
  expect(b.services.runs.require(id)).toMatchObject({ status: 'paused', started: null, interimAdapterDir: null });
  await expect(b.api.playground.attachRun({ runId: id })).rejects.toThrow(/has no half-trained adapter/);
  b.services.runs.continue(id);
  const ended = await b.services.runs.finished(id);
  expect(weights(ended.result!.outDir)).toEqual(weights(b.services.runs.require(whole.id).result!.outDir));
});

it('stopped while the base is being packed, nothing half-written stays in the cache', async () => {
  vi.stubEnv('GRAFT_CACHE', fs.mkdtempSync(path.join(os.tmpdir(), 'graft-cache-')));
  onTestFinished(() => {
    fs.rmSync(process.env['GRAFT_CACHE']!, { recursive: true, force: true });
    vi.unstubAllEnvs();
  });
  b = openBench({ spawnWorker: packsForever });
  const input = await smallRun(b, { steps: 3 });
  const { id } = await b.services.runs.start(input);
  await untilEvent(b, id, (event) => event.type === 'loading');
  const folder = path.join(packedCacheDir(), 'base');
  expect(fs.readdirSync(folder)).toHaveLength(2);
  b.services.runs.stop(id);
  expect((await b.services.runs.finished(id)).status).toBe('stopped');
  expect(fs.readdirSync(folder)).toEqual(['whole.pack']);
});

/** A worker that is in the middle of packing, under the id of a process that is none of Graft's. */
const packsForever: SpawnWorker = () => {
  const exits: Parameters<WorkerChannel['onExit']>[0][] = [];
  let tell: (message: unknown) => void;
  return {
    pid: undefined,
    post(message) {
      if (message.kind !== 'call') return;
      const folder = path.join(packedCacheDir(), 'base');
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(path.join(folder, 'whole.pack'), '');
      fs.writeFileSync(path.join(folder, '.half.pack.fffffe000000.partial'), '');
      const event: TrainEvent = { type: 'loading', done: 1, total: 2, packs: true, leftMs: 1000 };
      tell({ kind: 'event', id: message.id, event });
    },
    onMessage: (listener) => void (tell = listener),
    onExit: (listener) => void exits.push(listener),
    kill: () =>
      void setImmediate(() => exits.forEach((told) => told({ code: null, signal: 'SIGKILL', lastErrorLine: '' }))),
  };
};

it('a run that is queued cannot be paused, one that runs not be continued', async () => {
  b = openBench();
  const input = await smallRun(b, { steps: 5000 });
  const first = await b.services.runs.start(input);
  const behind = await b.services.runs.start(input);
  await expect(b.api.runs.pause({ id: behind.id })).rejects.toThrow(/is still queued, so there is nothing to pause/);
  await expect(b.api.runs.continue({ id: first.id })).rejects.toThrow(/is running, not paused/);
});
