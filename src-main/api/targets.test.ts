/** Targets through the API: names, replacing, removing beside runs, and asking through what is given. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBench, smallRun, type TestBench } from '../../test-support/rigs/services.ts';
import type { NewRemoteTarget } from '../../src-shared/remoteTargets.ts';
import { errorDataOf } from './trpc.ts';

const LAB: NewRemoteTarget = { kind: 'slurm', name: 'lab', workDir: '/scratch/me', options: { partition: 'gpu' } };
const PC: NewRemoteTarget = { kind: 'ssh', name: 'second PC', workDir: '~/graft', connection: { host: 'me@pc' } };

let bench: TestBench;
const asked: string[] = [];
beforeEach(() => {
  asked.length = 0;
  bench = openBench({
    askTarget: {
      check: (target) => {
        asked.push(`check ${target.name}`);
        return Promise.resolve({ usable: false, findings: [{ what: 'Node', state: 'missing', sentence: 'None.' }] });
      },
      load: (target) => {
        asked.push(`load ${target.name}`);
        return Promise.resolve({ waiting: 3, running: 2, startsAt: null });
      },
    },
  });
});
afterEach(() => bench.close());

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing thrown',
    (error: unknown) => errorDataOf(error).code,
  );

/** A run that was sent to the target, as the catalogue knows it. */
async function sent(target: string) {
  const { id } = await bench.api.runs.start({ ...(await smallRun(bench)), notBefore: '2999-01-01T00:00:00Z' });
  const row = { jobDir: '/scratch/me/jobs/1', slurmJob: '12', arrayTask: null, pid: null, phase: 'waiting' as const };
  bench.services.catalog.away.save({
    ...{ runId: id, target, ...row },
    ...{ attempt: 0, readBytes: 0, retries: 0, note: null, seenAt: null },
  });
  return id;
}

describe('targets', () => {
  it('are kept with what is usual filled in, oldest first, over a restart', async () => {
    await bench.api.targets.add({ target: LAB });
    await bench.api.targets.add({ target: PC });
    await bench.reopen();
    expect(await bench.api.targets.list()).toEqual([
      { ...LAB, processes: 1, mpirun: 'mpirun' },
      { ...PC, processes: 1, mpirun: 'mpirun' },
    ]);
  });

  it('a name is taken once, unless the target is to be replaced', async () => {
    await bench.api.targets.add({ target: LAB });
    expect(await codeOf(bench.api.targets.add({ target: { ...LAB, workDir: '/other' } }))).toBe('TARGET_NAME');
    await bench.api.targets.add({ target: { ...LAB, workDir: '/other' }, replace: true });
    expect((await bench.api.targets.list()).map(({ workDir }) => workDir)).toEqual(['/other']);
  });

  it.each([
    [{ ...LAB, name: 'local' }, /is the name of this machine/],
    [{ ...LAB, workDir: 'relative' }, /workDir: must begin with \//],
    [{ ...PC, workDir: '/tmp/$(id)' }, /workDir: must begin with \/ or ~ and consist of/],
    [{ ...PC, connection: { host: '-oProxyCommand=id' } }, /host: must be a host/],
    [{ ...LAB, options: { wrap: 'id' } }, /options/],
    [{ ...LAB, options: { partition: 'a\nb' } }, /options\.partition/],
  ])('%# is refused with a sentence', async (target, sentence) => {
    const failed = await bench.api.targets.add({ target: target as NewRemoteTarget }).catch(errorDataOf);
    expect(failed).toMatchObject({ code: 'BAD_INPUT', message: expect.stringMatching(sentence) as unknown });
    expect(await bench.api.targets.list()).toEqual([]);
  });

  it('are removed with what they know of runs that are over, and not before', async () => {
    await bench.api.targets.add({ target: LAB });
    const id = await sent('lab');
    const failed = await bench.api.targets.remove({ name: 'lab' }).catch(errorDataOf);
    expect(failed).toMatchObject({ code: 'TARGET_IN_USE', details: { target: 'lab', runs: [id] } });
    expect(bench.services.catalog.away.countOn('lab')).toBe(1);
    // As another kind of target it would not find its run again; anything else of it may be mended.
    const other = bench.api.targets.add({ target: { ...PC, name: 'lab' }, replace: true });
    expect(await codeOf(other)).toBe('TARGET_IN_USE');
    await bench.api.targets.add({ target: { ...LAB, options: { partition: 'other' } }, replace: true });

    bench.services.catalog.runs.update(id, { status: 'stopped', endedAt: new Date().toISOString() });
    expect(await bench.api.targets.remove({ name: 'lab' })).toEqual({ removed: 'lab' });
    expect(bench.services.catalog.away.list()).toEqual([]);
    expect((await bench.api.runs.get({ id })).status).toBe('stopped');
    expect(await codeOf(bench.api.targets.remove({ name: 'lab' }))).toBe('TARGET_NOT_FOUND');
  });

  it('a run that was sent away says where it is, in lists and on the start page', async () => {
    await bench.api.targets.add({ target: LAB });
    const id = await sent('lab');
    const away = {
      ...{ target: 'lab', kind: 'slurm', phase: 'waiting', slurmJob: '12', arrayTask: null },
      ...{ host: null, note: null, seenAt: null, startsAt: null, isCutOff: false },
    };
    expect((await bench.api.runs.list()).map((run) => run.away)).toEqual([away]);
    expect((await bench.api.home.board()).runs.map((run) => [run.id, run.away])).toEqual([[id, away]]);
  });

  it('are asked by name', async () => {
    await bench.api.targets.add({ target: LAB });
    expect(await bench.api.targets.check({ name: 'lab' })).toMatchObject({ usable: false });
    expect(await bench.api.targets.load({ name: 'lab' })).toEqual({ waiting: 3, running: 2, startsAt: null });
    expect(asked).toEqual(['check lab', 'load lab']);
    expect(await codeOf(bench.api.targets.check({ name: 'other' }))).toBe('TARGET_NOT_FOUND');
    expect(asked).toHaveLength(2);
  });
});
