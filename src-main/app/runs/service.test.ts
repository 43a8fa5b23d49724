import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { newId } from '../ids.ts';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import { openBench, smallRun } from '../../../test-support/rigs/services.ts';
import type { TestBench } from '../../../test-support/rigs/services.ts';
import { runSpecSchema } from '../../../src-shared/runSpec.ts';

const NOBODY = 2 ** 22 + 1; // above Linux's largest process id
const benches: TestBench[] = [];

function bench(): TestBench {
  const made = openBench();
  benches.push(made);
  return made;
}

const losses = ({ services }: TestBench, id: string): number[] =>
  services.catalog.metrics.after(id, 0).map((metrics) => metrics.loss);

afterEach(async () => {
  for (const made of benches.splice(0)) await made.close();
});

describe('runs with a real worker', () => {
  it('a worker killed midway gives a failed run; resumed, it has the losses of an uninterrupted one', async () => {
    const b = bench();
    const input = await smallRun(b, { steps: 12 });
    const whole = await b.services.runs.start(input);
    const queued = await b.services.runs.start(input);
    expect(b.services.runs.require(queued.id).status).toBe('queued');
    expect((await b.services.runs.finished(whole.id)).status).toBe('completed');

    await untilEvent(b, queued.id, (e) => e.type === 'step' && e.step === 5);
    process.kill(b.services.runs.require(queued.id).pid!, 'SIGKILL');
    const failed = await b.services.runs.finished(queued.id);
    expect(failed).toMatchObject({
      status: 'failed',
      resumable: true,
      pid: null,
      error: { code: 'WORKER_CRASHED', message: expect.stringMatching(/SIGKILL/) },
    });
    expect(b.services.catalog.adapters.list().map((adapter) => adapter.runId)).toEqual([whole.id]);

    b.services.runs.resume(queued.id);
    expect((await b.services.runs.finished(queued.id)).status).toBe('completed');
    expect(losses(b, queued.id)).toEqual(losses(b, whole.id));
    expect(losses(b, whole.id)).toHaveLength(12);

    const adapters = b.services.catalog.adapters.list();
    expect(fs.readdirSync(path.join(b.home, 'adapters')).sort()).toEqual(adapters.map((adapter) => adapter.id).sort());
    expect(b.services.catalog.tasks.list()).toMatchObject([
      { name: 'colours', adapters: 2, activeAdapterId: adapters[0]!.id },
    ]);
    expect(b.services.catalog.db.pragma('integrity_check', { simple: true })).toBe('ok');
  });

  it('stops early with its adapter; a queued run just leaves the queue', async () => {
    const b = bench();
    const input = await smallRun(b, { steps: 5000 });
    const run = await b.services.runs.start(input);
    const behind = await b.services.runs.start(input);
    expect(b.services.runs.stop(behind.id).status).toBe('stopped');
    await untilEvent(b, run.id, (e) => e.type === 'step');
    b.services.runs.stop(run.id);
    const ended = await b.services.runs.finished(run.id);
    expect(ended).toMatchObject({ status: 'stopped', result: { outcome: 'stopped' } });
    expect(ended.result!.steps).toBeLessThan(5000);
    const [adapter] = b.services.catalog.adapters.list();
    expect(adapter!.runId).toBe(run.id);
    expect(fs.existsSync(path.join(adapter!.dir, 'adapter_model.safetensors'))).toBe(true);
    expect(() => b.services.runs.stop(run.id)).toThrow(/is already stopped/);
  });

  it('closing Graft in the middle leaves a failed run that a new Graft can resume', async () => {
    const b = bench();
    const run = await b.services.runs.start(await smallRun(b, { steps: 8 }));
    await untilEvent(b, run.id, (e) => e.type === 'checkpoint');
    await b.reopen();
    expect(b.services.runs.require(run.id)).toMatchObject({
      status: 'failed',
      resumable: true,
      ownerPid: null,
      error: { code: 'RUN_ABANDONED' },
    });
    expect(fs.readdirSync(path.join(b.home, 'adapters'))).toEqual([]);
    b.services.runs.resume(run.id);
    expect((await b.services.runs.finished(run.id)).status).toBe('completed');
    expect(losses(b, run.id)).toHaveLength(8);
  });

  it.each<[{ rank?: number; targets?: ('q' | 'fc')[] }, RegExp]>([
    [{ targets: ['q', 'fc'] }, /Target fc does not exist .* choose among q, k, v/],
    [{ rank: 0 }, /Rank 0 does not fit/],
    [{ rank: 1000 }, /Rank 1000 does not fit/],
  ])('refuses %j without a trace', async (settings, sentence) => {
    const b = bench();
    const input = await smallRun(b);
    await expect(b.services.runs.start({ ...input, method: { type: 'lora', ...settings } })).rejects.toThrow(sentence);
    expect(b.services.runs.list()).toEqual([]);
    expect(fs.readdirSync(path.join(b.home, 'runs'))).toEqual([]);
  });

  it('a run that the worker refuses is failed with its sentence and is not resumable', async () => {
    const b = bench();
    const input = await smallRun(b);
    const run = await b.services.runs.start({ ...input, data: { maxLength: 2 } });
    const failed = await b.services.runs.finished(run.id);
    expect(failed).toMatchObject({ status: 'failed', resumable: false, error: { code: 'DATASET_NO_LABELS' } });
    expect(() => b.services.runs.resume(run.id)).toThrow(/has no checkpoint; start it again/);
    expect(fs.readdirSync(path.join(b.home, 'adapters'))).toEqual([]);
  });
});

describe('work that a dead Graft left', () => {
  function leave(b: TestBench, status: 'running' | 'queued', ownerPid: number): string {
    const id = newId('run');
    const method = { type: 'lora' as const };
    const spec = runSpecSchema.parse({
      runId: id,
      model: { dir: '/m', hash: 'h' },
      data: { file: '/f' },
      task: 't',
      method,
      train: {},
      runDir: b.services.home.runDir(id),
      outDir: b.services.home.adapterDir('x'),
    });
    b.services.catalog.runs.insert({
      id,
      name: id,
      taskId: null,
      modelId: null,
      datasetId: null,
      status,
      spec,
      started: null,
      error: null,
      result: null,
      ownerPid,
      pid: null,
      createdAt: '2026-01-01',
      startedAt: null,
      endedAt: null,
    });
    return id;
  }

  it('is failed when its owner is dead, and left alone when its owner lives', async () => {
    const b = bench();
    const dead = leave(b, 'running', NOBODY);
    const alive = leave(b, 'running', process.ppid);
    const namesake = leave(b, 'running', process.pid);
    const partial = path.join(b.home, 'adapters', '.x.0123456789ab.partial');
    fs.mkdirSync(partial);
    await b.reopen();
    expect(b.services.runs.require(dead)).toMatchObject({
      status: 'failed',
      error: { message: expect.stringMatching(/^Graft was closed while this run was under way; resume it/) },
    });
    expect(b.services.runs.require(alive).status).toBe('running');
    expect(b.services.runs.require(namesake).status).toBe('failed');
    expect(fs.existsSync(partial)).toBe(false);
  });

  it('is taken over when it was queued', async () => {
    const b = bench();
    const id = leave(b, 'queued', NOBODY);
    await b.reopen();
    // Its model does not exist, so that it fails; but it ran.
    expect((await b.services.runs.finished(id)).error).toMatchObject({ message: expect.stringMatching(/\/m/) });
  });
});
