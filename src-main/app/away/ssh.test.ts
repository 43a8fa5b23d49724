/** Runs on another machine over a real sshd: broken connections, a changed key, links in its work folder, secrets. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { ChangedMachines } from '../../../test-support/rigs/changedMachines.ts';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { missingPrograms, startSshd, type Sshd } from '../../../test-support/rigs/sshd.ts';
import { secondGraft } from '../../../test-support/rigs/startSecondGraft.ts';
import { graftFolder, until } from '../../../test-support/rigs/tinyJob.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { Machine } from '../../remote/machine.ts';

const missing = await missingPrograms({ sshd: 'openssh-server', ssh: 'openssh-client', rsync: 'rsync' });
const note = missing.length > 0 ? ` (skipped: no ${missing.join(', ')} here)` : '';
const TIMING = { lookMs: 200, patienceMs: 2000 };
const LIMIT_MS = 180_000;

describe.skipIf(missing.length > 0)(`runs over ssh${note}`, { timeout: LIMIT_MS }, () => {
  let sshd: Sshd;
  let work: string;
  beforeEach(async () => {
    sshd = await startSshd();
    work = path.join(temporaryFolder(), 'work');
  });
  afterEach(async () => sshd.stop());

  function bench(change: (machine: Machine) => Partial<Machine> = () => ({})): TestBench {
    const opened = openBench({ away: { timing: TIMING, machines: new ChangedMachines(change) } });
    onTestFinished(() => opened.close());
    opened.services.catalog.targets.save({
      kind: 'ssh',
      name: 'second PC',
      workDir: work,
      node: process.execPath,
      graft: graftFolder(),
      processes: 1,
      mpirun: 'mpirun',
      connection: sshd.connection,
    });
    return opened;
  }
  const losses = ({ services }: TestBench, id: string): number[] =>
    services.catalog.metrics.after(id, 0).map(({ loss }) => loss);
  const phase = ({ services }: TestBench, id: string): string => services.runs.require(id).away!.phase;

  it('a run is trained there as here, though its connection breaks and Graft is closed meanwhile', async () => {
    const opened = bench();
    const input = await smallRun(opened, { steps: 300, checkpointEvery: 50 });
    const hostile = 'it\'s "$(touch nobody)"; rm -rf ~ \\ -x';
    const { id } = await opened.services.runs.start({
      ...input,
      target: 'second PC',
      taskName: hostile,
      name: hostile,
    });
    await until(() => losses(opened, id).length > 30);
    expect(sshd.cutConnections()).toBeGreaterThan(0);
    await until(() => losses(opened, id).length > 90);
    await opened.services.close();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await opened.reopen();
    const away = await opened.services.runs.finished(id);
    expect(away.error).toBeNull();
    const local = await opened.services.runs.finished((await opened.services.runs.start(input)).id);
    expect(losses(opened, id)).toEqual(losses(opened, local.id));
    expect(away.result!.sha256).toBe(local.result!.sha256);
    // Each line of the log once.
    const log = opened.services.runHistory.log({ id, after: 0 }).map(({ message }) => message);
    const checkpoints = log.filter((message) => message.startsWith('Checkpoint written'));
    expect(checkpoints).toEqual([...new Set(checkpoints)]);
    expect(checkpoints).toHaveLength(5);
    expect(fs.existsSync(path.join(work, 'jobs', id))).toBe(false);
    expect(fs.readdirSync(sshd.home)).not.toContain('nobody');
  });

  it('pauses, goes on, stops, and is resumed from where it was', async () => {
    const opened = bench();
    const { runs } = opened.services;
    const input = await smallRun(opened, { steps: 400, checkpointEvery: 0 });
    const { id } = await runs.start({ ...input, target: 'second PC' });
    await until(() => losses(opened, id).length > 20);
    expect(runs.pause(id)).toMatchObject({ status: 'running', asked: 'pause' });
    await until(() => runs.require(id).status === 'paused');
    const paused = runs.require(id);
    expect(paused.interimAdapterDir).not.toBeNull();
    expect(losses(opened, id)).toHaveLength(paused.interim!.steps);
    runs.continue(id);
    await until(() => losses(opened, id).length > paused.interim!.steps + 20);
    runs.stop(id);
    await until(() => runs.require(id).status === 'stopped');
    const stopped = runs.require(id);
    expect(stopped).toMatchObject({ resumable: true, result: { outcome: 'stopped' } });
    runs.resume(id);
    const ended = await runs.finished(id);
    expect(ended).toMatchObject({ status: 'completed', result: { steps: 400 } });
    const local = await runs.finished((await runs.start(input)).id);
    expect(losses(opened, id)).toEqual(losses(opened, local.id));
  });

  it('one after the other: the second waits for its turn, and may be stopped there', async () => {
    const opened = bench();
    const { runs } = opened.services;
    const input = { ...(await smallRun(opened, { steps: 200 })), target: 'second PC' };
    const [first, second] = [await runs.start(input), await runs.start(input)];
    await until(() => phase(opened, first.id) === 'running' && phase(opened, second.id) === 'waiting');
    runs.stop(second.id);
    await until(() => runs.require(second.id).status === 'stopped');
    expect(runs.require(second.id).result).toBeNull();
    expect(await runs.finished(first.id)).toMatchObject({ status: 'completed' });
  });

  it('a Graft that dies right after it has begun a run there finds its process again', async () => {
    let isAway = true;
    const opened = bench(unless(() => !isAway));
    const input = await smallRun(opened, { steps: 400, checkpointEvery: 0 });
    const { id } = await opened.services.runs.start({ ...input, target: 'second PC' });
    await opened.services.close();
    expect(await secondGraft(opened.home, 'worker').ended).toBe('SIGKILL');
    isAway = false;
    await until(() => fs.existsSync(path.join(work, 'jobs', id, 'state.json')));
    await opened.reopen();
    expect(await opened.services.runs.finished(id)).toMatchObject({ status: 'completed', error: null });
    const log = opened.services.runHistory.log({ id, after: 0 }).map(({ message }) => message);
    expect(log.filter((message) => message.startsWith('Training begins'))).toHaveLength(1);
    expect(log.join()).not.toContain('begun again');
  });

  it('out of reach: a stop waits, also while Graft is closed, and a second one ends the run here', async () => {
    let isAway = false;
    const opened = bench(unless(() => !isAway));
    const input = await smallRun(opened, { steps: 2000, checkpointEvery: 0 });
    const { id } = await opened.services.runs.start({ ...input, target: 'second PC' });
    await until(() => losses(opened, id).length > 20);
    isAway = true;
    await until(() => opened.services.runs.require(id).away!.note?.includes('cannot be reached') === true);
    expect(opened.services.runs.stop(id)).toMatchObject({ status: 'running', asked: 'stop' });
    await opened.reopen();
    expect(opened.services.runs.require(id)).toMatchObject({ status: 'running', asked: 'stop' });
    isAway = false;
    await until(() => opened.services.runs.require(id).status === 'stopped');
    expect(opened.services.runs.require(id)).toMatchObject({ resumable: true, asked: null });

    opened.services.runs.resume(id);
    await until(() => phase(opened, id) === 'running');
    isAway = true;
    await until(() => opened.services.runs.require(id).away!.note?.includes('cannot be reached') === true);
    opened.services.runs.stop(id);
    expect(opened.services.runs.stop(id)).toMatchObject({ status: 'stopped', asked: null });
    isAway = false;
    opened.services.runs.resume(id);
    expect(await opened.services.runs.finished(id)).toMatchObject({ status: 'completed', result: { steps: 2000 } });
  });

  it('another host key is refused, and nothing is sent', async () => {
    const opened = bench();
    const input = await smallRun(opened);
    await sshd.changeHostKey();
    const { id } = await opened.services.runs.start({ ...input, target: 'second PC' });
    const ended = await opened.services.runs.finished(id);
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'HOST_KEY_CHANGED' } });
    expect(fs.existsSync(work)).toBe(false);
  });

  it('no secret of the environment or of the settings is written there', async () => {
    const secret = 'hf_ThisIsASecretOfTheTest';
    vi.stubEnv('HF_TOKEN', secret);
    onTestFinished(() => void vi.unstubAllEnvs());
    const opened = bench();
    opened.services.hubTokens.keep(secret);
    const input = await smallRun(opened, { steps: 300 });
    const { id } = await opened.services.runs.start({ ...input, target: 'second PC' });
    await until(() => losses(opened, id).length > 5);
    const files = fs.readdirSync(work, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['job.json', 'state.json', 'log.txt']));
    for (const { parentPath, name } of files)
      expect(fs.readFileSync(path.join(parentPath, name)).includes(secret), name).toBe(false);
    opened.services.runs.stop(id);
    await opened.services.runs.finished(id);
  });

  it('a link in the work folder is not followed', async () => {
    const opened = bench();
    const input = await smallRun(opened);
    const elsewhere = temporaryFolder();
    fs.mkdirSync(work);
    fs.symlinkSync(elsewhere, path.join(work, 'jobs'));
    const { id } = await opened.services.runs.start({ ...input, target: 'second PC' });
    const ended = await opened.services.runs.finished(id);
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'NOT_OURS' } });
    expect(fs.readdirSync(elsewhere)).toEqual([]);
  });
});

/** A machine that can be reached only then. */
function unless(isThere: () => boolean): (machine: Machine) => Partial<Machine> {
  const gate = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isThere()) return work();
    throw new GraftError('MACHINE_AWAY', 'It cannot be reached.');
  };
  return (machine) => ({
    makeFolder: (dir) => gate(() => machine.makeFolder(dir)),
    read: (file, options) => gate(() => machine.read(file, options)),
    isAlive: (pid) => gate(() => machine.isAlive(pid)),
  });
}
