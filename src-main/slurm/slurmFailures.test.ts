/** Against a real Slurm: jobs that are begun anew, run out of time or lose their node, alone and below mpirun. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { slurmNote, startSlurm, type Slurm } from '../../test-support/rigs/slurm.ts';
import { notesOf, programsHere, soon, writeNotingJob } from '../../test-support/rigs/slurmJob.ts';
import { batchArguments, BATCH_SCRIPT } from './batchScript.ts';
import { cancel, requeue } from './control.ts';
import type { SlurmHost } from './host.ts';
import { slurmPlace } from './place.ts';
import { jobOf } from './queue.ts';
import { submit, type Submission } from './submit.ts';

const note = await slurmNote(['mpirun']);
/** Open MPI refuses root without these, and more processes than CPUs. */
const AS_ROOT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
};

// Each waits for Slurm's own clocks most of the time, so they wait together.
describe.skipIf(note !== '').concurrent(`a real Slurm with troubles${note}`, () => {
  let slurm: Slurm;
  /** Its first node loses power. */
  let unlucky: Slurm;
  let host: SlurmHost;
  /** Of all jobs here: tests that run together share what is removed at their end. */
  let root: string;
  beforeAll(async () => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-test-'));
    [slurm, unlucky] = await Promise.all([startSlurm({ cpusPerNode: 8 }), startSlurm()]);
    host = programsHere({ ...slurm.env, ...AS_ROOT });
  });
  afterAll(async () => {
    await Promise.all([slurm?.stop(), unlucky?.stop()]);
    fs.rmSync(root, { recursive: true, force: true });
  });

  function noting(more: Partial<Submission> & { mpirun?: number; endSeconds?: number }): Submission & { dir: string } {
    const dir = fs.mkdtempSync(path.join(root, 'job-'));
    const scriptFile = path.join(dir, 'batch.sh');
    fs.writeFileSync(scriptFile, BATCH_SCRIPT);
    const program = [process.execPath, writeNotingJob(dir), '90', String(more.endSeconds ?? 0.3)];
    const command = more.mpirun ? ['mpirun', '-np', String(more.mpirun), ...program] : program;
    const ntasks = more.mpirun ?? 1;
    const args = batchArguments(command, [dir]);
    return { dir, name: 'run', scriptFile, args, cwd: dir, ntasks, ...more };
  }
  const whats = (dir: string, rank = '') =>
    notesOf(dir)
      .filter((line) => line.rank === rank)
      .map(({ what }) => what);

  it('requeued: TERM, time to end, and a second start that knows it is one', async () => {
    const job = noting({ endSeconds: 3 });
    const { jobId } = await submit(host, job);
    await soon(() => whats(job.dir).length === 1);
    await requeue(host, jobId);
    await soon(() => whats(job.dir).length === 4);
    expect(whats(job.dir)).toEqual(['begin', 'SIGTERM', 'end', 'begin']);
    expect(await slurmPlace(notesOf(job.dir)[3]!.slurm)).toMatchObject({ jobId, restarts: 1 });
    expect(await jobOf(host, jobId)).toMatchObject({ state: 'RUNNING', restarts: 1 });
    expect(fs.readFileSync(`${job.dir}/log.txt`, 'utf8').match(/^begun/gm)).toHaveLength(2);
    await cancel(host, jobId);
  });

  it('an array of which one task is requeued: that one alone', async () => {
    const job = noting({ array: { count: 2 } });
    const folders = [0, 1].map((i) => path.join(job.dir, `${i}`));
    folders.forEach((folder) => fs.mkdirSync(folder));
    const command = job.args.slice(1, -1);
    const { jobId } = await submit(host, { ...job, args: batchArguments(command, folders) });
    await soon(() => folders.every((folder) => whats(folder).length === 1));
    await requeue(host, jobId, 1);
    await soon(() => whats(folders[1]!).length === 4);
    expect(await slurmPlace(notesOf(folders[1]!)[3]!.slurm)).toMatchObject({ jobId, arrayTask: 1, restarts: 1 });
    expect(whats(folders[0]!)).toEqual(['begin']);
    await cancel(host, jobId);
  });

  it('near its time limit: TERM ahead of it, so that it ends by itself', async () => {
    const job = noting({ options: { time: '1' }, signalSeconds: 40 });
    const { jobId } = await submit(host, job);
    await soon(() => whats(job.dir).length === 3);
    const [begin, signal] = notesOf(job.dir);
    expect(whats(job.dir)).toEqual(['begin', 'SIGTERM', 'end']);
    expect(signal!.atMs - begin!.atMs).toBeLessThan(60_000);
    const status = await soon(async () => {
      const found = await jobOf(host, jobId);
      return found?.state !== 'COMPLETING' && found;
    });
    expect(status).toMatchObject({ state: 'COMPLETED', reason: 'None', exitCode: 0 });
  });

  it('whose node loses power: begun anew when it is back', async () => {
    const other = programsHere(unlucky.env);
    const job = noting({ options: { nodelist: 'n1' } });
    const { jobId } = await submit(other, job);
    await soon(() => whats(job.dir).length === 1);
    await unlucky.losePower('n1');
    await soon(async () => (await jobOf(other, jobId))?.state === 'PENDING');
    expect(whats(job.dir)).toEqual(['begin']);
    await unlucky.startNode('n1');
    await soon(() => whats(job.dir).length === 2);
    expect(await slurmPlace(notesOf(job.dir)[1]!.slurm)).toMatchObject({ jobId, restarts: 1 });
  });

  it('below mpirun, requeued: every process has the time it needs', async () => {
    const job = noting({ mpirun: 2, endSeconds: 4 });
    const { jobId } = await submit(host, job);
    await soon(() => notesOf(job.dir).length === 2);
    await requeue(host, jobId);
    await soon(() => ['0', '1'].every((rank) => whats(job.dir, rank).length === 4));
    for (const rank of ['0', '1']) expect(whats(job.dir, rank)).toEqual(['begin', 'SIGTERM', 'end', 'begin']);
    expect(notesOf(job.dir).at(-1)!.slurm.SLURM_RESTART_COUNT).toBe('1');
    await cancel(host, jobId);
  });

  it('below mpirun, near its time limit: USR1 for every process', async () => {
    const job = noting({ mpirun: 2, endSeconds: 4, options: { time: '1' }, signalSeconds: 40 });
    const { jobId } = await submit(host, job);
    await soon(() => notesOf(job.dir).length === 6);
    for (const rank of ['0', '1']) expect(whats(job.dir, rank)).toEqual(['begin', 'SIGUSR1', 'end']);
    const status = await soon(async () => {
      const found = await jobOf(host, jobId);
      return found && !/COMPLETING|RUNNING/.test(found.state) && found;
    });
    expect(status).toMatchObject({ state: 'COMPLETED', exitCode: 0 });
  });
});
