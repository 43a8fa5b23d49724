/** Against a real Slurm: what sbatch, squeue and scontrol make of what we give them. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { slurmNote, startSlurm, type Slurm } from '../../test-support/rigs/slurm.ts';
import { notesOf, programsHere, soon, writeNotingJob } from '../../test-support/rigs/slurmJob.ts';
import { remoteTargetSchema } from '../../src-shared/remoteTargets.ts';
import { batchArguments, BATCH_SCRIPT } from './batchScript.ts';
import { cancel, requeue } from './control.ts';
import type { SlurmHost } from './host.ts';
import { load } from './load.ts';
import { slurmPlace } from './place.ts';
import { jobOf, queue } from './queue.ts';
import { submit, type Submission } from './submit.ts';

const note = await slurmNote();

describe.skipIf(note !== '')(`a real Slurm${note}`, () => {
  let slurm: Slurm;
  let host: SlurmHost;
  beforeAll(async () => {
    slurm = await startSlurm();
    host = programsHere(slurm.env);
  });
  afterAll(() => slurm?.stop());

  /** A submission of the noting job for each of these folders, which are made. */
  function jobIn(dir: string, folders: string[], seconds: number, more: string[] = []): Submission {
    for (const folder of folders) fs.mkdirSync(folder, { recursive: true });
    const scriptFile = path.join(dir, 'batch.sh');
    fs.writeFileSync(scriptFile, BATCH_SCRIPT);
    const command = [process.execPath, writeNotingJob(dir), String(seconds), '0.3', ...more];
    return { name: 'a run', scriptFile, args: batchArguments(command, folders), cwd: dir };
  }
  const ended = (jobId: string, task?: number) =>
    soon(async () => {
      const status = await jobOf(host, jobId, task);
      return status && !/^(PENDING|RUNNING|COMPLETING)$/.test(status.state) && status;
    });

  it('runs a job, shows it in the queue, and remembers how it ended', async () => {
    const dir = temporaryFolder();
    const { jobId } = await submit(host, jobIn(dir, [dir], 2));
    await soon(() => notesOf(dir).length > 0);
    const [queued] = await queue(host);
    expect(queued).toMatchObject({ jobId, arrayTask: null, state: 'RUNNING', reason: 'None' });
    expect(Math.abs(Date.parse(queued!.startsAt!) - Date.now())).toBeLessThan(10_000);
    expect(await ended(jobId)).toEqual({
      state: 'COMPLETED',
      reason: 'None',
      exitCode: 0,
      exitSignal: 0,
      restarts: 0,
    });
    expect(fs.readFileSync(`${dir}/log.txt`, 'utf8')).toBe(`begun ${dir}\n`);
    expect(await queue(host)).toEqual([]);
  });

  it('gives every task of an array its own folder, and runs as many at once as was asked', async () => {
    const dir = temporaryFolder();
    const folders = [0, 1, 2].map((i) => path.join(dir, `run ${i}`));
    const { jobId } = await submit(host, { ...jobIn(dir, folders, 1), array: { count: 3, atATime: 1 } });
    const tasks = await queue(host);
    expect(tasks.map((task) => [task.jobId, task.arrayTask]).sort()).toEqual([0, 1, 2].map((i) => [jobId, i]));
    await soon(async () => (await queue(host)).some(({ reason }) => reason === 'JobArrayTaskLimit'));
    for (const i of [0, 1, 2]) expect((await ended(jobId, i)).state).toBe('COMPLETED');
    const notes = folders.map(notesOf);
    for (const [i, [begin]] of notes.entries()) {
      expect(begin!.args.at(-1)).toBe(folders[i]);
      expect(await slurmPlace({ ...begin!.slurm, SLURM_JOB_END_TIME: '1800000000' })).toEqual({
        jobId,
        arrayTask: i,
        restarts: 0,
        endsAtMs: 1_800_000_000_000,
      });
      expect(fs.readFileSync(`${folders[i]}/log.txt`, 'utf8')).toBe(`begun ${folders[i]}\n`);
    }
    const times = notes.map((lines) => [lines[0]!.atMs, lines.at(-1)!.atMs]).sort(([a], [b]) => a! - b!);
    for (const [i, [begin]] of times.entries()) if (i > 0) expect(begin).toBeGreaterThanOrEqual(times[i - 1]![1]!);
  });

  it('tells a process when its time is over, whatever its clock is set to', async () => {
    const dir = temporaryFolder();
    const { jobId } = await submit(host, { ...jobIn(dir, [dir], 60), options: { time: '7' } });
    const [begin] = await soon(() => notesOf(dir).length > 0 && notesOf(dir));
    const env = { ...process.env, ...begin!.slurm, ...slurm.env, TZ: 'Asia/Tokyo', SLURM_JOB_END_TIME: undefined };
    const place = await slurmPlace(env);
    expect(place).toMatchObject({ jobId, restarts: 0 });
    expect(Math.abs(place!.endsAtMs! - begin!.atMs - 7 * 60_000)).toBeLessThan(5000);
    const queued = await soon(async () => (await queue(host)).find(({ state }) => state === 'RUNNING'));
    expect(Math.abs(queued.leftMs! - 7 * 60_000)).toBeLessThan(15_000);
    expect(await slurmPlace({})).toBeUndefined();
    await cancel(host, jobId);
    await ended(jobId);
  });

  it('tells a cancelled job to end, and lets it', async () => {
    const dir = temporaryFolder();
    const { jobId } = await submit(host, jobIn(dir, [dir], 60));
    await soon(() => notesOf(dir).length > 0);
    await cancel(host, jobId);
    expect((await ended(jobId)).state).toBe('CANCELLED');
    await soon(() => notesOf(dir).length === 3);
    expect(notesOf(dir).map(({ what }) => what)).toEqual(['begin', 'SIGTERM', 'end']);
    await cancel(host, jobId); // once more is no error
  });

  it('cancels one task of an array and no other', async () => {
    const dir = temporaryFolder();
    const folders = [0, 1].map((i) => path.join(dir, `${i}`));
    const { jobId } = await submit(host, { ...jobIn(dir, folders, 60), array: { count: 2 } });
    await soon(() => folders.every((folder) => notesOf(folder).length > 0));
    await cancel(host, jobId, 1);
    await soon(() => notesOf(folders[1]!).length === 3);
    expect((await queue(host)).filter(({ state }) => state === 'RUNNING').map(({ arrayTask }) => arrayTask)).toEqual([
      0,
    ]);
    await cancel(host, jobId);
    await soon(async () => (await queue(host)).length === 0);
  });

  it('tells the load, and when a job would begin', async () => {
    expect(await load(host)).toMatchObject({ waiting: 0, running: 0, startsAt: expect.any(String) });
    const dir = temporaryFolder();
    const { jobId } = await submit(host, {
      ...jobIn(dir, [dir, dir, dir], 60),
      array: { count: 3 },
      options: { time: '5' },
    });
    await soon(() => notesOf(dir).length === 2);
    const busy = await load(host, { partition: 'main' });
    expect(busy).toMatchObject({ waiting: 1, running: 2 });
    expect(Date.parse(busy.startsAt!)).toBeGreaterThan(Date.now() + 60_000);
    await cancel(host, jobId);
    await soon(async () => (await queue(host)).length === 0);
  });

  it("says in Slurm's own words what it refuses", async () => {
    const dir = temporaryFolder();
    const job = jobIn(dir, [dir], 1);
    const sentences = {
      partition: /^Slurm did not take the job on this machine \(.*invalid partition specified: nix; .*\); change what/,
      time: /Invalid --time specification/,
      mem: /Memory specification can not be satisfied/,
    };
    const values = { partition: 'nix', time: 'a$(touch x)', mem: '9999999999' };
    for (const name of ['partition', 'time', 'mem'] as const)
      await expect(submit(host, { ...job, options: { [name]: values[name] } })).rejects.toMatchObject({
        code: 'SLURM_FAILED',
        message: expect.stringMatching(sentences[name]),
      });
    await expect(load(host, { partition: 'nix' })).rejects.toMatchObject({ code: 'SLURM_FAILED' });
    await expect(requeue(host, '999999')).rejects.toMatchObject({
      code: 'SLURM_FAILED',
      message: expect.stringMatching(/^Slurm did not begin job 999999 anew on this machine \(Invalid job id/),
    });
    expect(await jobOf(host, '999999')).toBeNull();
    expect(await jobOf(host, '999999', 3)).toBeNull();
  });

  it('says so where there is no Slurm, or nobody answers', async () => {
    const conf = path.join(temporaryFolder(), 'slurm.conf');
    const noController = fs
      .readFileSync(slurm.env.SLURM_CONF, 'utf8')
      .replace(/^SlurmctldPort=.*$/m, 'SlurmctldPort=9');
    fs.writeFileSync(conf, noController);
    const away = programsHere({ SLURM_CONF: conf });
    await expect(queue(away)).rejects.toMatchObject({
      code: 'SLURM_FAILED',
      message:
        /^Slurm did not tell its queue on this machine \(.*Unable to contact slurm controller \(connect failure\)\);/,
    });
    const without = programsHere({ PATH: '/nowhere' });
    await expect(queue(without)).rejects.toMatchObject({
      code: 'SLURM_FAILED',
      message:
        'Slurm did not tell its queue on this machine (env could not be started or did not answer); check that env ' +
        'works there.',
    });
  });

  describe('hostile texts', () => {
    const HOSTILE = ['$(touch HACKED)', '`touch HACKED`', '; touch HACKED #', '"', "'", '--parsable', '%j %% %', '-'];

    it('reach the job as they are, in names, folders and arguments', async () => {
      const dir = temporaryFolder();
      const folders = HOSTILE.map((text) => path.join(dir, text.replaceAll('/', '_'), 'x'));
      for (const [i, folder] of folders.entries()) {
        const job = jobIn(folder, [folder], 0, HOSTILE);
        await submit(host, { ...job, name: HOSTILE[i]!, logFile: path.join(folder, 'slurm.log') });
      }
      await soon(async () => (await queue(host)).length === 0);
      for (const folder of folders) {
        expect(notesOf(folder)[0]!.args.slice(2)).toEqual([...HOSTILE, folder]);
        expect(fs.readFileSync(path.join(folder, 'log.txt'), 'utf8')).toBe(`begun ${folder}\n`);
        expect(fs.readdirSync(folder).sort()).toEqual(['batch.sh', 'job.cjs', 'log.txt', 'notes.jsonl', 'slurm.log']);
      }
      expect(fs.readdirSync(dir)).not.toContain('HACKED');
      expect(fs.existsSync(path.join(os.homedir(), 'HACKED'))).toBe(false);
    });

    it('in a name cannot look like the state of a job', async () => {
      const dir = temporaryFolder();
      const name = 'x\n   JobState=FAILED Reason=y Dependency=\n   Requeue=1 Restarts=9 ExitCode=9:9';
      const { jobId } = await submit(host, { ...jobIn(dir, [dir], 0), name });
      expect(await ended(jobId)).toMatchObject({ state: 'COMPLETED', restarts: 0, exitCode: 0 });
    });

    it('as values of options are one value each', async () => {
      const dir = temporaryFolder();
      const job = jobIn(dir, [dir], 0);
      for (const text of HOSTILE)
        await expect(submit(host, { ...job, options: { partition: text } })).rejects.toMatchObject({
          code: 'SLURM_FAILED',
          message: expect.stringContaining('artition'),
        });
      expect(fs.readdirSync(dir).sort()).toEqual(['batch.sh', 'job.cjs']);
    });

    it('that Slurm cannot take as they are, are refused before', async () => {
      const dir = temporaryFolder();
      const job = jobIn(dir, [dir], 0);
      for (const cwd of ['~/jobs', 'jobs', '/tmp/a\\b', '/tmp/a\nb'])
        await expect(submit(host, { ...job, cwd })).rejects.toMatchObject({ code: 'BAD_INPUT', kind: 'usage' });
      const target = { kind: 'slurm', name: 'x', workDir: '/w', options: { account: 'a\nb' } };
      expect(remoteTargetSchema.safeParse(target).success).toBe(false);
    });
  });
});
