/** Nothing is begun, recorded or taken back twice: by two Grafts on one data folder, or after one that was killed. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ChangedMachines } from '../../../test-support/rigs/changedMachines.ts';
import { secondGraft } from '../../../test-support/rigs/startSecondGraft.ts';
import { slurmNote, startSlurm, type Slurm } from '../../../test-support/rigs/slurm.ts';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { until } from '../../../test-support/rigs/tinyJob.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { Machine } from '../../remote/machine.ts';
import { readState } from '../../jobs/state.ts';
import { startStudySchema } from '../studies/input.ts';
import { isOver } from '../runs/view.ts';

const note = await slurmNote();
const LIMIT_MS = 120_000;
const TIMING = { lookMs: 200, patienceMs: 3000 };

describe.skipIf(note !== '')(`runs on targets, once${note}`, { timeout: LIMIT_MS }, () => {
  let slurm: Slurm;
  beforeAll(async () => {
    slurm = await startSlurm();
    process.env['SLURM_CONF'] = slurm.env.SLURM_CONF;
  }, LIMIT_MS);
  afterAll(async () => {
    delete process.env['SLURM_CONF'];
    await slurm?.stop();
  });

  function bench(change: (machine: Machine) => Partial<Machine> = () => ({})): TestBench {
    const opened = openBench({ away: { timing: TIMING, machines: new ChangedMachines(change) } });
    onTestFinished(() => opened.close());
    opened.services.catalog.targets.save({
      kind: 'slurm',
      name: 'lab',
      workDir: path.join(opened.dir, 'work'),
      processes: 1,
      mpirun: 'mpirun',
      options: {},
    });
    return opened;
  }

  it('dies between submitting and writing it down: the job is found again, not submitted twice', async () => {
    const before = jobs();
    let isAway = true;
    const opened = bench((machine) => ({
      makeFolder: async (dir) => {
        if (isAway) throw new GraftError('MACHINE_AWAY', 'It cannot be reached.');
        await machine.makeFolder(dir);
      },
    }));
    const input = await smallRun(opened, { steps: 60, checkpointEvery: 20 });
    const ids = [];
    for (const name of ['one', 'two'])
      ids.push((await opened.services.runs.start({ ...input, name, target: 'lab' })).id);
    await opened.services.close();
    const second = secondGraft(opened.home, 'sbatch');
    expect(await second.ended).toBe('SIGKILL');
    isAway = false;
    await opened.reopen();
    const { runs } = opened.services;
    for (const id of ids) expect((await runs.finished(id)).error).toBeNull();
    expect(jobs().filter((job) => !before.includes(job))).toHaveLength(1);
    expect(ids.map((id) => runs.require(id).away!.arrayTask)).toEqual([0, 1]);
    expect(opened.services.catalog.adapters.list()).toHaveLength(2);
    for (const id of ids) expectOnce(opened, id, 60);
  });

  it('two Grafts on one data folder: one job, each line of the log once, and both hear of the end', async () => {
    const before = jobs();
    const opened = bench();
    const input = await smallRun(opened, { steps: 80, checkpointEvery: 20 });
    const ids: string[] = [];
    for (const name of ['one', 'two'])
      ids.push((await opened.services.runs.start({ ...input, name, target: 'lab' })).id);
    const second = secondGraft(opened.home);
    const told = new Set<number>();
    opened.services.runs.subscribe(ids[0]!, (event) => event.type === 'step' && told.add(event.step));
    for (const id of ids) expect((await opened.services.runs.finished(id)).error).toBeNull();
    second.kill();
    await second.ended;
    expect(jobs().filter((job) => !before.includes(job)).length).toBeLessThanOrEqual(2);
    expect(opened.services.catalog.adapters.list()).toHaveLength(2);
    for (const id of ids) expectOnce(opened, id, 80);
    // The other one may have taken its last events back with the result.
    expect(told.size).toBeGreaterThan(40);
  });

  it('dies while it takes back a result: nothing is left half-written, and the next one takes it', async () => {
    const opened = bench();
    const input = await smallRun(opened, { steps: 60, checkpointEvery: 20 });
    const { id } = await opened.services.runs.start({ ...input, target: 'lab' });
    await until(() => opened.services.runs.require(id).away!.phase === 'running');
    await opened.services.close();
    expect(await secondGraft(opened.home, 'fetch').ended).toBe('SIGKILL');
    await opened.reopen();
    expect(await opened.services.runs.finished(id)).toMatchObject({ status: 'completed', error: null });
    expectOnce(opened, id, 60);
    const left = fs.readdirSync(path.join(opened.home, 'runs')).filter((name) => name.endsWith('.partial'));
    expect(left).toEqual([]);
  });

  it('one that is stopped while it is being submitted is cancelled there', async () => {
    let id = '';
    const opened: TestBench = bench((machine) => ({
      run: async (argv, options) => {
        const result = await machine.run(argv, options);
        if (argv.includes('sbatch')) opened.services.runs.stop(id);
        return result;
      },
    }));
    const input = await smallRun(opened, { steps: 5000 });
    ({ id } = await opened.services.runs.start({ ...input, target: 'lab' }));
    expect((await opened.services.runs.finished(id)).status).toBe('stopped');
    await until(() => queued() === '');
  });

  it('closed while it is sending, Graft goes on with it the next time', async () => {
    let isSlow = true;
    const opened = bench((machine) => ({
      send: async (from, to, options) => {
        if (isSlow) await new Promise((resolve) => options?.signal?.addEventListener('abort', resolve));
        await machine.send(from, to, options);
      },
    }));
    const { id } = await opened.services.runs.start({ ...(await smallRun(opened)), target: 'lab' });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await opened.services.close();
    isSlow = false;
    await opened.reopen();
    expect(await opened.services.runs.finished(id)).toMatchObject({ status: 'completed', error: null });
  });

  it('its folder and its whole work folder removed meanwhile: it goes on from what is here', async () => {
    const opened = bench();
    const input = await smallRun(opened, { steps: 300, checkpointEvery: 20 });
    const { id } = await opened.services.runs.start({ ...input, target: 'lab' });
    const steps = (): number => opened.services.catalog.metrics.after(id, 0).length;
    await until(() => steps() > 25);
    process.kill(readState(opened.services.catalog.away.get(id)!.jobDir)!.pid, 'SIGKILL');
    execFileSync('rm', ['-rf', path.join(opened.dir, 'work')]);
    const ended = await opened.services.runs.finished(id);
    expect(ended.error).toBeNull();
    expect(ended).toMatchObject({ status: 'completed', result: { steps: 300 } });
    expect(steps()).toBe(300);
  });

  it('a study is cancelled on the cluster, and goes on where it was with all of its runs', async () => {
    const opened = bench();
    const base = await smallRun(opened, { steps: 150, checkpointEvery: 10, evalEvery: 50 });
    const plan = { kind: 'grid', vary: { lr: [1e-3, 2e-3, 3e-3] } } as const;
    const { studies, catalog, runs } = opened.services;
    const { id } = await studies.start(startStudySchema.parse({ base, plan, seeds: [0], target: 'lab' }));
    const ids = catalog.studies.runs(id).map(({ runId }) => runId);
    await until(() => ids.filter((one) => catalog.metrics.after(one, 0).length > 15).length === 2);
    studies.cancel(id);
    await until(() => ids.every((one) => runs.require(one).status === 'stopped'));
    await until(() => queued() === '');
    studies.resume(id);
    await until(() => ids.every((one) => runs.require(one).status === 'completed'), LIMIT_MS);
    for (const one of ids) expect(catalog.metrics.after(one, 0)).toHaveLength(150);
  });

  it('rows or a base that have changed since the run was set up are not sent', async () => {
    let hold = true;
    const opened = bench((machine) => ({
      makeFolder: async (dir) => {
        if (hold) throw new GraftError('MACHINE_AWAY', 'It cannot be reached.');
        await machine.makeFolder(dir);
      },
    }));
    const { runs } = opened.services;
    const input = await smallRun(opened);
    const rows = await runs.start({ ...input, target: 'lab' });
    fs.appendFileSync(path.join(opened.dir, 'rows.jsonl'), '\n{"prompt":"one","completion":" more"}');
    hold = false;
    expect((await runs.finished(rows.id)).error).toMatchObject({ code: 'DATASET_CHANGED' });
    const data = path.join(opened.dir, 'work/data');
    expect(fs.existsSync(data) ? fs.readdirSync(data, { recursive: true }) : []).not.toContain('.complete');
  });

  it('garbage in the place of its state: it can be stopped, and begun anew', async () => {
    const opened = bench();
    const { runs, catalog } = opened.services;
    const { id } = await runs.start({ ...(await smallRun(opened, { steps: 3000 })), target: 'lab' });
    await until(() => catalog.metrics.after(id, 0).length > 5);
    const { jobDir } = catalog.away.get(id)!;
    execFileSync('scontrol', ['suspend', runs.require(id).away!.slurmJob!]);
    execFileSync('sh', ['-c', 'rm "$0" && mkfifo "$0"', path.join(jobDir, 'state.json')]);
    await until(() => runs.require(id).away!.note?.includes('not a regular file') === true);
    runs.stop(id);
    await until(() => isOver(runs.require(id)));
    expect(runs.require(id).status).toBe('stopped');
  });
});

function expectOnce({ services }: TestBench, id: string, steps: number): void {
  expect(services.catalog.metrics.after(id, 0).map(({ step }) => step)).toEqual(
    Array.from({ length: steps }, (_, i) => i + 1),
  );
  const log = services.runHistory.log({ id, after: 0 }).map(({ message }) => message);
  expect(log).toEqual([...new Set(log)]);
  expect(log.filter((message) => message.startsWith('Checkpoint written'))).toHaveLength(steps / 20 - 1);
}

/** Numbers of all jobs that Slurm remembers. */
function jobs(): string[] {
  const listed = execFileSync('squeue', ['--noheader', '--states=all', '--format=%F'], { encoding: 'utf8' });
  return [...new Set(listed.split('\n').map((line) => line.trim()))].filter(Boolean);
}

function queued(): string {
  return execFileSync('squeue', ['--noheader', '--states=PENDING,RUNNING'], { encoding: 'utf8' }).trim();
}
