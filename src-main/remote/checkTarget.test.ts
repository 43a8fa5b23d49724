/** What a check says of real machines: with everything, with next to nothing, and of a real Slurm. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { remoteTargetSchema, type NewRemoteTarget, type TargetCheck } from '../../src-shared/remoteTargets.ts';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { slurmNote, startSlurm } from '../../test-support/rigs/slurm.ts';
import { missingPrograms, startSshd } from '../../test-support/rigs/sshd.ts';
import { checkTarget } from './checkTarget.ts';
import { localMachine } from './localMachine.ts';
import type { Machine } from './machine.ts';
import { sshMachine } from './sshMachine.ts';

const missing = await missingPrograms({ sshd: 'openssh-server', ssh: 'openssh-client', rsync: 'rsync' });
const noSlurm = await slurmNote();
const root = process.getuid?.() === 0;

const check = (machine: Machine, target: NewRemoteTarget) => checkTarget(machine, remoteTargetSchema.parse(target));
const found = ({ findings }: TargetCheck, what: string) => findings.find((finding) => finding.what === what);

/** A machine whose path leads to these programs alone. */
async function bareMachine(programs: Record<string, string>) {
  const bin = temporaryFolder();
  for (const [name, text] of Object.entries(programs)) {
    if (text.startsWith('/')) fs.symlinkSync(text, path.join(bin, name));
    else fs.writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  const sshd = await startSshd({ environment: { PATH: bin } });
  const machine = sshMachine(sshd.connection, { name: 'the box' });
  onTestFinished(async () => {
    machine.close();
    await sshd.stop();
  });
  return { sshd, machine };
}
const BASICS = Object.fromEntries(['uname', 'ls', 'pwd'].map((name) => [name, `/bin/${name}`]));

describe.skipIf(missing.length > 0)(`over ssh${missing.length > 0 ? ` (without ${missing.join(', ')})` : ''}`, () => {
  it('finds what is there', async () => {
    const { sshd, machine } = await bareMachine({
      ...BASICS,
      node: process.execPath,
      rsync: '/usr/bin/rsync',
      'nvidia-smi': 'echo "GPU 0: NVIDIA H200 (UUID: GPU-1)"; echo "GPU 1: NVIDIA H200 (UUID: GPU-2)"',
      mpirun: 'echo "mpirun (Open MPI) 4.1.4"',
    });
    const told = await check(machine, {
      kind: 'ssh',
      name: 'the box',
      workDir: '~/work',
      processes: 2,
      connection: sshd.connection,
    });
    const vulkan = execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).includes('libvulkan.so.1');
    expect(told.findings.map(({ what, state }) => [what, state])).toEqual([
      ['connection', 'ok'],
      ['Node', 'ok'],
      ['work folder', 'ok'],
      ['free space', expect.stringMatching(/ok|warning/)],
      ['rsync', 'ok'],
      ['GPU', vulkan ? 'ok' : 'warning'],
      ['processor', 'ok'],
      ['mpirun', 'ok'],
    ]);
    expect(told.usable).toBe(true);
    expect(found(told, 'Node')?.sentence).toContain(process.versions.node);
    expect(found(told, 'GPU')?.sentence).toMatch(/^NVIDIA H200, NVIDIA H200(\.|, but without the Vulkan loader)/);
    expect(found(told, 'processor')?.sentence).toMatch(/^\d+ cores.* GiB of memory\.$/);
    expect(fs.readdirSync(path.join(sshd.home, 'work'))).toEqual([]);
  });

  it('says what is missing, why it matters, and what mends it', async () => {
    const { sshd, machine } = await bareMachine({ ...BASICS, node: process.execPath });
    fs.mkdirSync(path.join(sshd.home, 'shared'));
    fs.chmodSync(path.join(sshd.home, 'shared'), 0o777);
    const target = { kind: 'ssh', name: 'b', workDir: '~/shared', processes: 4, connection: sshd.connection } as const;
    const told = await check(machine, target);
    expect(told.usable).toBe(false);
    expect(found(told, 'mpirun')).toMatchObject({ state: 'missing', mend: 'sudo apt install openmpi-bin' });
    expect(found(told, 'rsync')).toMatchObject({ state: 'warning', sentence: expect.stringContaining('sftp') });
    expect(found(told, 'GPU')).toMatchObject({ state: 'warning' });
    expect(found(told, 'work folder')).toMatchObject({
      state: 'warning',
      mend: expect.stringMatching(/^chmod go-w '.*shared'$/),
    });
    expect((await check(machine, { ...target, processes: 1 })).usable).toBe(true);
    const slurm = await check(machine, { kind: 'slurm', name: 'c', workDir: '~/w', connection: sshd.connection });
    expect(found(slurm, 'Slurm')).toMatchObject({
      state: 'missing',
      sentence: expect.stringContaining('no sbatch, squeue, scontrol, sinfo, scancel'),
    });
  });

  it('tells programs of Slurm that are not set up from those that are not there', async () => {
    const refusing = 'echo "${0##*/}: fatal: Could not establish a configuration source" >&2; exit 1';
    const programs = ['sbatch', 'squeue', 'scontrol', 'sinfo', 'scancel'].map((name) => [name, refusing]);
    const there = { ...BASICS, node: process.execPath, ...(Object.fromEntries(programs) as Record<string, string>) };
    const { sshd, machine } = await bareMachine(there);
    const told = await check(machine, { kind: 'slurm', name: 'c', workDir: '~/w', connection: sshd.connection });
    expect(found(told, 'Slurm')).toMatchObject({ state: 'ok' });
    expect(found(told, 'cluster')).toMatchObject({
      state: 'missing',
      sentence: expect.stringContaining('does not answer (sinfo: fatal:'),
    });
    expect(told.usable).toBe(false);
  });

  it.skipIf(!root)('does not take a work folder that is another user’s, or a link', async () => {
    const { sshd, machine } = await bareMachine({ ...BASICS, node: process.execPath });
    const theirs = path.join(sshd.home, 'theirs');
    fs.mkdirSync(theirs);
    fs.chownSync(theirs, 12345, 12345);
    fs.symlinkSync('/tmp', path.join(sshd.home, 'link'));
    for (const [workDir, sentence] of [
      ['~/theirs', /belongs to another user/],
      ['~/link', /is a link/],
    ] as const) {
      const told = await check(machine, { kind: 'ssh', name: 'b', workDir, connection: sshd.connection });
      expect(found(told, 'work folder')).toMatchObject({ state: 'missing', sentence: expect.stringMatching(sentence) });
      expect(told.usable).toBe(false);
    }
    expect(fs.readdirSync(theirs)).toEqual([]);
  });

  it('asks no further where no connection comes about', async () => {
    const { sshd, machine } = await bareMachine(BASICS);
    const target = { kind: 'ssh', name: 'the box', workDir: '~/w', connection: sshd.connection } as const;
    expect(await check(machine, target)).toEqual({
      findings: [{ what: 'connection', state: 'missing', sentence: expect.stringMatching(/Node is not on its path/) }],
      usable: false,
    });
    await sshd.changeHostKey();
    expect((await check(machine, target)).findings).toMatchObject([
      { what: 'connection', state: 'missing', sentence: expect.stringMatching(/`ssh-keygen -f .* -R/) },
    ]);
  });
});

it('tells an old Node from a missing one', async () => {
  const dir = temporaryFolder();
  const old = path.join(dir, 'node');
  const answer = (version: string, arch: string = process.arch) => {
    const told = JSON.stringify([old, version, process.platform, arch]);
    fs.writeFileSync(old, `#!/bin/sh\necho '${told}'\n`, { mode: 0o755 });
  };
  const finding = async (node: string, what = 'Node', isLocal = false, graft?: string) => {
    const machine = { ...localMachine(), isLocal };
    const target = { kind: 'slurm', name: 'here', workDir: path.join(dir, 'w'), node, graft } as const;
    return found(await check(machine, target), what);
  };
  answer('18.1.0');
  expect(await finding(old)).toMatchObject({ state: 'missing', mend: expect.stringContaining('nodejs') });
  answer('20.11.0');
  expect(await finding(old)).toMatchObject({ state: 'warning', sentence: expect.stringContaining('brings its own') });
  // Where nothing is brought, it must be new enough itself.
  expect(await finding(old, 'Node', true)).toMatchObject({ state: 'missing' });
  expect(await finding(old, 'Node', false, dir)).toMatchObject({ state: 'missing' });
  expect(await finding(old, 'Graft', false, dir)).toMatchObject({
    state: 'missing',
    sentence: expect.stringContaining(path.join(dir, 'out/main/job.js')),
  });
  expect(await finding(path.join(dir, 'none'))).toMatchObject({ state: 'missing' });
  answer('24.1.0', 'pdp11');
  expect(await finding(old, 'system')).toMatchObject({ state: 'missing', sentence: expect.stringContaining('pdp11') });
});

describe.skipIf(noSlurm !== '')(`a real Slurm${noSlurm}`, () => {
  it('its partition is found, and another one is not', async () => {
    const slurm = await startSlurm();
    const before = process.env['SLURM_CONF'];
    process.env['SLURM_CONF'] = slurm.env.SLURM_CONF;
    const machine = localMachine();
    try {
      const target = { kind: 'slurm', name: 'cluster', workDir: temporaryFolder() } as const;
      const told = await check(machine, { ...target, options: { partition: 'main' } });
      expect(told.usable).toBe(true);
      expect(found(told, 'cluster')).toMatchObject({ state: 'ok', sentence: expect.stringContaining('main') });
      expect(found(told, 'partition')).toMatchObject({ state: 'ok', sentence: expect.stringContaining('2 nodes') });
      const wrong = await check(machine, { ...target, options: { partition: 'gpu $(touch pwned)' } });
      expect(wrong.usable).toBe(false);
      expect(found(wrong, 'partition')).toMatchObject({ state: 'missing', sentence: expect.stringContaining('main') });
      await slurm.stop();
      const gone = await check(machine, target);
      expect(gone.usable).toBe(false);
    } finally {
      if (before === undefined) delete process.env['SLURM_CONF'];
      else process.env['SLURM_CONF'] = before;
    }
  });
});
