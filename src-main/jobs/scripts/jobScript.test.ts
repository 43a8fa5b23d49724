/** The scripts as a person would run them: by sh, by a real sbatch, and with a docker that notes what it is told. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { slurmNote, startSlurm, type Slurm } from '../../../test-support/rigs/slurm.ts';
import { soon } from '../../../test-support/rigs/slurmJob.ts';
import { jobScript, SCRIPT_KINDS, type ScriptKind } from './jobScript.ts';
import { sbatchLine } from './sbatch.ts';

const ENTRY = 'graft/out/main/job.js';
const INPUT = { name: 'a run', entry: ENTRY };
/** Each would do something if a shell read it. */
const HOSTILE = [
  '$(touch HACKED)',
  '`touch HACKED`',
  "a'b",
  'a"b',
  '-x',
  'a b;touch HACKED',
  '%j %%',
  '*',
  '#x',
  'a\nb',
];

/** A job's folder with this name, whose program notes how it was begun, and how it was told to end. */
function jobFolder(name: string): string {
  const dir = path.join(temporaryFolder(), name);
  fs.mkdirSync(path.join(dir, path.dirname(ENTRY)), { recursive: true });
  fs.writeFileSync(path.join(dir, 'job.json'), '{}');
  fs.writeFileSync(
    path.join(dir, ENTRY),
    `const fs = require('node:fs');
    const note = (what) => fs.appendFileSync('notes.jsonl', JSON.stringify(what) + '\\n');
    process.on('SIGTERM', () => { note('SIGTERM'); process.exit(75); });
    note([process.cwd(), ...process.argv.slice(2)]);
    if (fs.existsSync('wait')) setInterval(() => undefined, 1000);`,
  );
  return dir;
}
function notesIn(dir: string): unknown[] {
  const file = path.join(dir, 'notes.jsonl');
  if (!fs.existsSync(file)) return [];
  return fs
    .readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}
function writeScript(dir: string, kind: ScriptKind, more: object = {}): string {
  const { file, text } = jobScript(kind, { ...INPUT, ...more });
  fs.writeFileSync(path.join(dir, file), text);
  return file;
}
const withNode = { ...process.env, GRAFT_NODE: process.execPath };

describe('every script', () => {
  it.each(SCRIPT_KINDS)('%s: a hostile name is one line of its comment, and nothing else changes', (kind) => {
    const plain = jobScript(kind, { ...INPUT, name: 'NAME' }).text;
    for (const name of [...HOSTILE, 'x\n#SBATCH --time=1\n', 'x\r\u2028touch HACKED', '\u202Eabc', 'y'.repeat(999)]) {
      const { text } = jobScript(kind, { ...INPUT, name });
      const shown = /^# Graft job: (.*)$/m.exec(text)![1]!;
      expect(text.replace(shown, () => 'NAME')).toBe(plain);
      expect(shown).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]{1,120}$/u);
    }
  });

  it.each(SCRIPT_KINDS)('%s: names no file outside of the folder, and none that a shell would read', (kind) => {
    for (const entry of ['$(x).js', '/etc/x.js', '../x.js', 'a/../../x.js', '-x.js', 'a b.js', 'a\nb.js', ''])
      expect(() => jobScript(kind, { ...INPUT, entry })).toThrow(/cannot name the file/);
  });

  it.each(SCRIPT_KINDS)('%s: tells how to bring it back', (kind) => {
    expect(jobScript(kind, INPUT).text).toContain('graft job import FOLDER');
  });
});

describe('the script for sh', () => {
  it.each(HOSTILE)('runs the job in a folder named %j', (name) => {
    const dir = jobFolder(name);
    const file = writeScript(dir, 'shell');
    // From beside it, from within it, and from elsewhere.
    const above = path.dirname(dir);
    const elsewhere = { ...withNode, CDPATH: '/usr' };
    execFileSync('sh', [`./${name}/${file}`], { cwd: above, env: withNode });
    execFileSync('sh', [file], { cwd: dir, env: withNode });
    execFileSync('sh', ['--', path.join(dir, file)], { cwd: '/', env: elsewhere });
    expect(notesIn(dir)).toEqual(Array(3).fill([dir, 'worker', '.']));
    expect(fs.existsSync(path.join(dir, 'HACKED')) || fs.existsSync(path.join(above, 'HACKED'))).toBe(false);
  });

  it('hands signals on to the job, and its exit code back', async () => {
    const dir = jobFolder('job');
    fs.writeFileSync(path.join(dir, 'wait'), '');
    const child = spawn('sh', [writeScript(dir, 'shell')], { cwd: dir, env: withNode });
    await soon(() => notesIn(dir).length > 0);
    const end = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await end).toBe(75);
    expect(notesIn(dir).at(-1)).toBe('SIGTERM');
  });

  it('says what is missing: the job, or a Node that is new enough', () => {
    const dir = jobFolder('job');
    const script = path.join(dir, writeScript(dir, 'shell'));
    const old = path.join(dir, 'old-node');
    fs.writeFileSync(old, '#!/bin/sh\necho 18\n', { mode: 0o755 });
    for (const node of [old, '/nowhere/node', '/bin/echo']) {
      const { status, stderr } = spawnSync('sh', [script], {
        env: { ...withNode, GRAFT_NODE: node },
        encoding: 'utf8',
      });
      expect(stderr).toMatch(/^Graft needs Node 22 or newer here; install it/);
      expect(status).toBe(1);
    }
    fs.rmSync(path.join(dir, 'job.json'));
    const { status, stderr } = spawnSync('sh', [script], { env: withNode, encoding: 'utf8' });
    expect([status, stderr]).toEqual([1, `There is no job.json in ${dir}; start this script where the job lies.\n`]);
    expect(notesIn(dir)).toEqual([]);
  });

  it('starts several processes by mpirun, which is told to give them time', () => {
    const dir = jobFolder('job');
    const file = writeScript(dir, 'shell', { processes: 3 });
    const bin = fakeProgram(dir, 'mpirun');
    execFileSync('sh', [file], { cwd: dir, env: { ...withNode, PATH: `${bin}:${process.env.PATH}` } });
    expect(told(dir)).toEqual(['-np', '3', process.execPath, ENTRY, 'worker', '.']);
    expect(() => jobScript('shell', { ...INPUT, processes: 1.5 })).toThrow(/whole number/);
  });
});

/** A program of this name that notes its arguments, each ended by NUL; returns the folder for PATH. */
function fakeProgram(dir: string, name: string): string {
  const bin = path.join(dir, 'bin');
  fs.mkdirSync(bin);
  fs.writeFileSync(path.join(bin, name), `#!/bin/sh\nprintf '%s\\0' "$@" >told\n`, { mode: 0o755 });
  return bin;
}
const told = (dir: string) => fs.readFileSync(path.join(dir, 'told'), 'utf8').split('\0').slice(0, -1);

describe('the script for Docker', () => {
  it.each(HOSTILE)('mounts a folder named %j', (name) => {
    const dir = jobFolder(name);
    const file = writeScript(dir, 'docker');
    const env = { ...process.env, PATH: `${fakeProgram(dir, 'docker')}:${process.env.PATH}` };
    execFileSync('sh', [`${dir}/${file}`, '--gpus', 'all', '--label', 'a b'], { cwd: '/', env });
    const user = `${process.getuid?.()}:${process.getgid?.()}`;
    expect(told(dir)).toEqual([
      ...['run', '--rm', '--init', '--network', 'none', '--stop-timeout', '120', '--user', user, '--env', 'HOME=/tmp'],
      ...['--volume', `${dir}:/job`, '--workdir', '/job', '--gpus', 'all', '--label', 'a b'],
      ...['docker.io/library/node:24-bookworm', 'node', ENTRY, 'worker', '.'],
    ]);
  });

  it('refuses a folder that Docker would read as two, and several processes', () => {
    const dir = jobFolder('a:b');
    const file = writeScript(dir, 'docker');
    const env = { ...process.env, PATH: `${fakeProgram(dir, 'docker')}:${process.env.PATH}` };
    const { status, stderr } = spawnSync('sh', [file], { cwd: dir, env, encoding: 'utf8' });
    expect([status, stderr]).toEqual([1, expect.stringContaining('a folder with a colon')]);
    expect(fs.existsSync(path.join(dir, 'told'))).toBe(false);
    expect(() => jobScript('docker', { ...INPUT, processes: 2 })).toThrow(/no mpirun/);
  });
});

/** The little of YAML that the task is written in: values, blocks behind `|`, one map; throws for all else. */
function readYaml(text: string): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const [, key, rest] of text.replace(/^ *#.*\n/gm, '').matchAll(/^(\S.*?):(.*\n(?:(?: {2}.*)?\n)*)/gm)) {
    const lines = rest!.split('\n');
    const below = lines.slice(1).map((line) => line.slice(2));
    if (lines[0] === ' |') read[key!] = below.join('\n').trimEnd() + '\n';
    else if (lines[0] === '') read[key!] = readYaml(below.join('\n'));
    else if (/^ [a-z0-9.+]+$/.test(lines[0]!)) read[key!] = lines[0]!.slice(1);
    else throw new Error(`not read: ${key}:${lines[0]}`);
  }
  return read;
}

describe('the task for SkyPilot', () => {
  it('is YAML whose scripts run', () => {
    const dir = jobFolder('sky_workdir');
    const { text } = jobScript('skypilot', { ...INPUT, name: 'a: b\n- c # "d"' });
    const task = readYaml(text) as Record<string, string>;
    expect(task).toEqual({
      name: 'graft',
      workdir: '.',
      resources: { cpus: '4+' },
      setup: expect.any(String),
      run: expect.any(String),
    });
    // A home without Node of its own, and a Node that is new enough: nothing is fetched.
    const home = temporaryFolder();
    const env = { ...withNode, HOME: home, PATH: `${path.dirname(process.execPath)}:${process.env.PATH}` };
    execFileSync('bash', ['-c', task.setup!], { cwd: dir, env });
    expect(fs.readdirSync(home)).toEqual([]);
    execFileSync('bash', ['-c', task.run!], { cwd: dir, env });
    expect(notesIn(dir)).toEqual([[dir, 'worker', '.']]);
    expect(() => jobScript('skypilot', { ...INPUT, processes: 2 })).toThrow(/no mpirun/);
  });
});

describe('its Node', () => {
  /** A home folder, and a PATH without node whose curl copies from a folder in place of nodejs.org. */
  function machineWithoutNode(): { home: string; run: (script: string) => { status: number | null; stderr: string } } {
    const dir = temporaryFolder();
    const [home, bin, site] = ['home', 'bin', 'site'].map((name) => path.join(dir, name)) as [string, string, string];
    for (const folder of [home, bin, site]) fs.mkdirSync(folder);
    for (const name of ['bash', 'cp', 'grep', 'gzip', 'mkdir', 'sha256sum', 'tar', 'uname'])
      fs.symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), path.join(bin, name));
    fs.writeFileSync(path.join(bin, 'curl'), `#!/bin/bash\ncp "${site}/\${2##*/}" .\n`, { mode: 0o755 });
    const name = `node-v24.9.1-linux-${process.arch === 'x64' ? 'x64' : 'arm64'}`;
    fs.mkdirSync(path.join(dir, name, 'bin'), { recursive: true });
    fs.writeFileSync(path.join(dir, name, 'bin/node'), '#!/bin/sh\necho 24\n', { mode: 0o755 });
    execFileSync('tar', ['-czf', `site/${name}.tar.gz`, name], { cwd: dir });
    const hash = execFileSync('sha256sum', [`${name}.tar.gz`], { cwd: site, encoding: 'utf8' });
    fs.writeFileSync(path.join(site, 'SHASUMS256.txt'), `${'0'.repeat(64)}  node-v24.9.1.tar.gz\n${hash}`);
    return {
      home,
      run: (script) => spawnSync('bash', ['-c', script], { env: { PATH: bin, HOME: home }, encoding: 'utf8' }),
    };
  }
  const { setup } = readYaml(jobScript('skypilot', INPUT).text) as { setup: string };

  it('is fetched where there is none', () => {
    const { home, run } = machineWithoutNode();
    expect(run(setup)).toMatchObject({ status: 0 });
    expect(execFileSync(path.join(home, 'graft-node/bin/node'), { encoding: 'utf8' })).toBe('24\n');
  });

  it('is refused when it is not what the site has a hash of', () => {
    const { home, run } = machineWithoutNode();
    const other = setup.replace('grep " $file', 'echo more >>"$file"\n  grep " $file');
    expect(other).not.toBe(setup);
    expect(run(other).status).not.toBe(0);
    expect(fs.existsSync(path.join(home, 'graft-node/bin'))).toBe(false);
  });
});

const note = await slurmNote();

describe.skipIf(note !== '')(`the script for sbatch${note}`, () => {
  let slurm: Slurm;
  beforeAll(async () => {
    slurm = await startSlurm();
  });
  afterAll(() => slurm?.stop());

  const program = (argv: string[], cwd: string) =>
    execFileSync(argv[0]!, argv.slice(1), { cwd, env: { ...withNode, ...slurm.env }, encoding: 'utf8' });
  const jobDetails = (id: string) => program(['scontrol', 'show', 'job', id], '/');

  it.each(HOSTILE)('runs the job in a folder named %j', async (name) => {
    const dir = jobFolder(name);
    const file = writeScript(dir, 'sbatch');
    const id = program(['sbatch', '--parsable', file], dir).trim();
    await soon(() => /JobState=(COMPLETED|FAILED)/.test(jobDetails(id)));
    expect(notesIn(dir)).toEqual([[dir, 'worker', '.']]);
    expect(jobDetails(id)).toContain('JobState=COMPLETED');
    expect(fs.readdirSync(dir).sort()).toEqual(['graft', 'job.json', 'log.txt', 'notes.jsonl', 'run.sbatch']);
  });

  it('asks for what the target asks for, and is told to end in time', () => {
    const dir = jobFolder('job');
    const options = { time: '01:30:00', mem: '100M', constraint: 'a&b', nodelist: 'n1' } as const;
    const file = writeScript(dir, 'sbatch', { options, processes: 2 });
    const text = fs.readFileSync(path.join(dir, file), 'utf8');
    expect(text).toContain('#SBATCH --signal=B:USR1@120\n#SBATCH --ntasks=2\n');
    expect(text).toContain('#SBATCH --constraint="a&b"\n');
    fs.writeFileSync(path.join(dir, file), text.replace(/^#SBATCH --constraint.*\n/m, ''));
    const id = program(['sbatch', '--parsable', '--hold', file], dir).trim();
    const found = jobDetails(id);
    expect(found).toContain('JobName=graft');
    expect(found).toContain('TimeLimit=01:30:00');
    expect(found).toContain('MinMemoryNode=100M');
    expect(found).toContain('ReqNodeList=n1');
    expect(found).toContain('NumTasks=2');
    expect(found).toContain('Requeue=1');
    program(['scancel', id], dir);
  });

  it('writes values so that sbatch reads them as they were', () => {
    const values = [
      ...HOSTILE.filter((text) => !text.includes('\n')),
      'a\\b',
      '\\',
      'a\\"b',
      ' x ',
      'ä€😀',
      "'",
      '"',
      '#',
    ];
    const dir = temporaryFolder();
    for (const value of values) {
      fs.writeFileSync(
        path.join(dir, 's'),
        `#!/bin/sh\n${sbatchLine('job-name', value)}${sbatchLine('time', '7')}true\n`,
      );
      const id = program(['sbatch', '--parsable', '--hold', '--output=/dev/null', 's'], dir).trim();
      expect(jobDetails(id).split('\n')[0]).toBe(`JobId=${id} JobName=${value}`);
      expect(jobDetails(id)).toContain('TimeLimit=00:07:00');
      program(['scancel', id], dir);
    }
    for (const value of ['a\nb', 'a\rb', 'a\u0000b', 'a\u001bb', 'x'.repeat(5000)])
      expect(() => sbatchLine('account', value)).toThrow(/cannot stand in a script for sbatch/);
  });
});
