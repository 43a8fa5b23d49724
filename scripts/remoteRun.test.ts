/** The bundle, copied over ssh to a machine that has no Graft, trains there what a worker of the app trains here. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JOB } from '../src-main/jobs/layout.ts';
import { installRuntime } from '../src-main/remote/runtime.ts';
import { sshMachine } from '../src-main/remote/sshMachine.ts';
import { temporaryFolder } from '../test-support/fixtures/folders.ts';
import { missingPrograms, startSshd, type Sshd } from '../test-support/rigs/sshd.ts';
import { lossesOf, stateOf, tinyJob } from '../test-support/rigs/tinyJob.ts';
import { startInWorker, tinyRun } from '../test-support/rigs/tinyRun.ts';
import { buildIsCurrent } from './lib/build.mjs';
import { toolPath } from './lib/node24.mjs';
import { root, scratch } from './lib/paths.mjs';
import { run } from './lib/run.mjs';

const missing = await missingPrograms({ sshd: 'openssh-server', ssh: 'openssh-client', rsync: 'rsync' });
const LONG = { train: { steps: 60, checkpointEvery: 10, evalEvery: 20 } };

// The app's own build, where it is that of these sources; else one inside the repository, to find node_modules.
const current = buildIsCurrent();
const graft = current ? root : path.join(scratch, `remote-run-${process.pid}`);

describe.skipIf(missing.length > 0)(`over ssh${missing.length > 0 ? ` (without ${missing.join(', ')})` : ''}`, () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
    if (current) return;
    const out = path.join(graft, 'out');
    const args = [toolPath('electron-vite'), 'build', '--logLevel', 'warn', '--outDir', out];
    const { code, output } = await run(process.execPath, args, { output: 'capture' });
    expect(code, output).toBe(0);
    fs.copyFileSync(path.join(root, 'package.json'), path.join(graft, 'package.json'));
  });
  afterAll(async () => {
    await sshd?.stop();
    if (!current) fs.rmSync(graft, { recursive: true, force: true });
  });

  it('a run is trained there, bit for bit', async () => {
    const machine = sshMachine(sshd.connection, { name: 'the box' });
    const { node, entry } = await installRuntime(machine, { workDir: '~/work' }, { root: graft });
    const spec = await tinyRun(LONG);
    const sent = await tinyJob(spec);
    const jobDir = path.join(sshd.home, "work/jobs/a 'job' $(touch pwned)");
    await machine.send(sent, jobDir);
    fs.rmSync(sent, { recursive: true });
    const logFile = path.join(jobDir, JOB.log);
    const { pid } = await machine.start([node, entry, 'worker', jobDir], { cwd: jobDir, logFile });
    // The connection is of no account to it.
    sshd.cutConnections();
    await expect.poll(() => machine.isAlive(pid), { timeout: 100_000, interval: 200 }).toBe(false);
    const back = path.join(temporaryFolder(), 'back');
    await machine.fetch(jobDir, back, { only: [JOB.events, JOB.state, JOB.outDir] });
    machine.close();

    const { call, losses } = startInWorker(spec);
    await call.promise;
    expect(stateOf(back)).toMatchObject({ phase: 'completed', step: 60 });
    expect(lossesOf(back)).toEqual([...losses]);
    const weights = 'adapter_model.safetensors';
    expect(fs.readFileSync(path.join(back, JOB.outDir, weights))).toEqual(
      fs.readFileSync(path.join(spec.outDir, weights)),
    );
    expect(fs.readdirSync(sshd.home).filter((name) => name.includes('pwned'))).toEqual([]);
  });
});
