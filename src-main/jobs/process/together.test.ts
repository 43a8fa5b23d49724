/** A job that several processes train, begun by a real mpirun: paused, one killed, going on with another number. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { mpiNote, mpirun } from '../../../test-support/rigs/mpi/mpirun.ts';
import { lossesOf, startJob, stateOf, tinyJob, untilStep } from '../../../test-support/rigs/tinyJob.ts';
import { startInWorker, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { JOB } from '../layout.ts';

const note = mpiNote('Open MPI');
const ENTRY = '../../../src-main/jobs/main.ts';
const OPTIONS = { train: { steps: 30, checkpointEvery: 5, evalEvery: 15, batch: 4 } };

describe.skipIf(note !== '')(`a job under mpirun${note}`, { timeout: 120_000 }, () => {
  /** The same run by one process. */
  async function alone(): Promise<[number, number][]> {
    const { call, losses } = startInWorker(await tinyRun(OPTIONS));
    await call.promise;
    return [...losses];
  }
  const together = (dir: string, processes: number) => mpirun('Open MPI', processes, ENTRY, ['worker', dir]);
  function expectSame(got: [number, number][], wanted: [number, number][]): void {
    expect(got.map(([step]) => step)).toEqual(wanted.map(([step]) => step));
    for (const [i, [, loss]] of got.entries()) expect(Math.abs(loss - wanted[i]![1])).toBeLessThan(1e-5);
  }

  it('told to end, all end with one state, from which another number of processes goes on', async () => {
    const dir = await tinyJob(await tinyRun(OPTIONS));
    const first = together(dir, 4);
    await untilStep(dir, 7);
    fs.writeFileSync(path.join(dir, JOB.control), JSON.stringify({ action: 'pause' }));
    expect((await first.ended).code).toBe(0);
    expect(stateOf(dir)).toMatchObject({ phase: 'paused', ranks: 4, resumable: true });
    fs.writeFileSync(path.join(dir, JOB.control), JSON.stringify({ action: 'none', afterAttempt: 1 }));
    expect((await together(dir, 2).ended).code).toBe(0);
    expect(stateOf(dir)).toMatchObject({ phase: 'completed', ranks: 2, attempt: 2, step: 30 });
    expectSame(lossesOf(dir), await alone());
  });

  it('one that is killed ends all; one process alone goes on from the checkpoint', async () => {
    const dir = await tinyJob(await tinyRun(OPTIONS));
    const run = together(dir, 2);
    await untilStep(dir, 7);
    process.kill(stateOf(dir).pid, 'SIGKILL');
    expect((await run.ended).code).not.toBe(0);
    expect(stateOf(dir).phase).toBe('running'); // nobody was left to say otherwise
    expect(await startJob(dir).ended).toBe(0);
    expect(stateOf(dir)).toMatchObject({ phase: 'completed', ranks: 1, step: 30 });
    expectSame(lossesOf(dir).slice(-20), (await alone()).slice(-20));
  });

  it('what is wrong is said once, in the state of the job', async () => {
    const dir = await tinyJob(await tinyRun(OPTIONS));
    fs.appendFileSync(path.join(dir, 'base', 'model.safetensors'), 'x');
    const { code, stderr } = await together(dir, 2).ended;
    expect(code).not.toBe(0);
    expect(stateOf(dir)).toMatchObject({ phase: 'failed', error: { code: 'JOB_CHANGED' } });
    expect(stderr.split('has other bytes').length).toBeLessThanOrEqual(3);
  });
});
