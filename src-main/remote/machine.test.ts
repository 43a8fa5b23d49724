/** What every machine does, on this one and over ssh to a real sshd; the files are looked at by Node's own means. */
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingPrograms, startSshd, type Sshd } from '../../test-support/rigs/sshd.ts';
import { localMachine } from './localMachine.ts';
import type { Machine } from './machine.ts';
import { sshMachine } from './sshMachine.ts';

const HOSTILE = [
  'a b',
  `it's "quoted"`,
  'line\nbreak',
  '-rf',
  '--help',
  '$(touch pwned)',
  '`touch pwned`',
  'a;touch pwned',
  'a|touch pwned&',
  '*',
  '[a]?',
  'back\\slash',
  '~',
  '#',
  'grüße',
  '%n${HOME}',
];
const root = process.getuid?.() === 0;
const OTHER_UID = 12345;

const missing = await missingPrograms({ sshd: 'openssh-server', ssh: 'openssh-client', rsync: 'rsync' });
const noSsh = missing.length > 0;
const why = noSsh ? ` (without ${missing.join(', ')})` : '';

let sshd: Sshd;
beforeAll(async () => {
  if (!noSsh) sshd = await startSshd();
});
afterAll(() => sshd?.stop());

const MACHINES: [string, boolean, () => Machine][] = [
  ['this machine', false, () => localMachine()],
  [`ssh with rsync${why}`, noSsh, () => sshMachine(sshd.connection, { tool: 'rsync' })],
  [`ssh with sftp${why}`, noSsh, () => sshMachine(sshd.connection, { tool: 'sftp' })],
];

describe.each(MACHINES)('%s', (_, skipped, make) => {
  if (skipped) return it.skip('needs an sshd', () => undefined);
  let machine: Machine;
  let there: string;
  let here: string;
  beforeAll(() => {
    machine = make();
    there = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-there-'));
    here = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-here-'));
  });
  afterAll(() => {
    machine.close();
    for (const folder of [there, here, process.cwd(), os.homedir(), sshd?.home ?? there]) {
      expect(fs.readdirSync(folder).filter((name) => name.startsWith('pwned'))).toEqual([]);
    }
    for (const folder of [there, here]) fs.rmSync(folder, { recursive: true, force: true });
  });

  it('gives programs their arguments and input as they are', async () => {
    const script = 'process.stdin.pipe(process.stdout); console.log(JSON.stringify(process.argv.slice(1)))';
    const { code, stdout, stderr } = await machine.run([process.execPath, '-e', script, '--', ...HOSTILE], {
      cwd: there,
      input: 'in\n$(touch pwned)',
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [args, ...rest] = stdout.split('\n');
    expect(JSON.parse(args!)).toEqual(HOSTILE);
    expect(rest.join('\n')).toBe('in\n$(touch pwned)');
  });

  it('tells exit codes, what could not be started, and what took too long', async () => {
    expect(await machine.run(['sh', '-c', 'echo no >&2; exit 7'])).toEqual({ code: 7, stdout: '', stderr: 'no\n' });
    const none = await machine.run(['no-such-program $(touch pwned)']);
    expect(none).toMatchObject({ code: null, stderr: expect.stringContaining('ENOENT') });
    const started = Date.now();
    const late = await machine.run(['sleep', '60'], { timeoutMs: 300 });
    expect(late).toMatchObject({ code: null, stderr: expect.stringContaining('SIGKILL') });
    expect(Date.now() - started).toBeLessThan(20_000);
  });

  it('answers many at once, each its own', async () => {
    const slow = machine.run(['sh', '-c', 'sleep 1; echo slow']);
    const began = Date.now();
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => machine.run(['echo', String(i)])));
    expect(answers.map(({ stdout }) => stdout.trim())).toEqual(answers.map((_, i) => String(i)));
    expect(Date.now() - began).toBeLessThan(10_000);
    expect((await slow).stdout).toBe('slow\n');
  });

  it('starts what outlives the connection, appends its output, and ends it', async () => {
    const logFile = path.join(there, 'logs', 'out $(touch pwned).log');
    fs.mkdirSync(path.dirname(logFile));
    fs.writeFileSync(logFile, 'before\n');
    const other = make();
    const { pid } = await other.start(['sh', '-c', 'echo began; echo wrong >&2; sleep 300 & wait'], {
      cwd: there,
      logFile,
    });
    await expect.poll(() => fs.readFileSync(logFile, 'utf8')).toBe('before\nbegan\nwrong\n');
    other.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await machine.isAlive(pid)).toBe(true);
    const group = () =>
      execFileSync('ps', ['-A', '-o', 'pgid=,stat='], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.trim().split(/\s+/)[0] === String(pid) && !line.includes('Z'));
    expect(group()).toHaveLength(2);
    await machine.signal(pid, 'SIGKILL');
    await expect.poll(() => machine.isAlive(pid)).toBe(false);
    await expect.poll(group).toEqual([]);
    await machine.signal(pid, 'SIGTERM');
    await expect(machine.signal(1, 'SIGKILL')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(machine.start(['no-such-program'], { cwd: there, logFile })).rejects.toThrow(/no-such-program/);
  });

  it('writes whole files for this user alone, and reads parts of them', async () => {
    for (const name of HOSTILE) {
      const file = path.join(there, 'written', name, name);
      await machine.write(file, `text of ${name}`);
      await machine.write(file, `${name}€`);
      expect(fs.readFileSync(file, 'utf8')).toBe(`${name}€`);
      expect(fs.statSync(file).mode & 0o777).toBe(0o600);
      expect(fs.statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
      expect(fs.readdirSync(path.dirname(file))).toEqual([name]);
      const read = await machine.read(file);
      expect({ ...read, bytes: Buffer.from(read!.bytes).toString() }).toEqual({
        bytes: `${name}€`,
        sizeBytes: Buffer.byteLength(`${name}€`),
      });
    }
    const bytes = crypto.randomBytes(100_000);
    fs.writeFileSync(path.join(there, 'bytes'), bytes);
    const part = await machine.read(path.join(there, 'bytes'), { from: 99_000, most: 5000 });
    expect(Buffer.from(part!.bytes).equals(bytes.subarray(99_000))).toBe(true);
    const few = await machine.read(path.join(there, 'bytes'), { from: 7, most: 9 });
    expect(Buffer.from(few!.bytes).equals(bytes.subarray(7, 16))).toBe(true);
    expect((await machine.read(path.join(there, 'bytes'), { from: 200_000 }))!.bytes).toHaveLength(0);
    expect(await machine.read(path.join(there, 'none'))).toBeNull();
    expect(await machine.read(path.join(there, 'none', 'below'))).toBeNull();
    await expect(machine.read('relative')).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('follows no link, dangling or not', async () => {
    const outside = path.join(here, 'outside');
    fs.mkdirSync(outside);
    fs.writeFileSync(path.join(outside, 'secret'), 'secret');
    const at = (name: string) => path.join(there, name);
    fs.symlinkSync(path.join(outside, 'secret'), at('fileLink'));
    fs.symlinkSync(outside, at('folderLink'));
    fs.symlinkSync(path.join(outside, 'made'), at('dangling'));
    const refused = { code: 'NOT_OURS', message: expect.stringContaining('is a link') };
    for (const name of ['fileLink', 'dangling', 'folderLink/secret', 'folderLink/new']) {
      await expect(machine.read(at(name)), name).rejects.toMatchObject(refused);
      await expect(machine.write(at(name), 'x'), name).rejects.toMatchObject(refused);
      await expect(machine.start(['true'], { cwd: there, logFile: at(name) }), name).rejects.toMatchObject(refused);
    }
    for (const name of ['folderLink', 'dangling', 'dangling/new', 'fileLink']) {
      await expect(machine.makeFolder(at(name)), name).rejects.toMatchObject({ code: 'NOT_OURS' });
    }
    fs.mkdirSync(path.join(here, 'toSend', 'folderLink'), { recursive: true });
    for (const name of ['fileLink', 'folderLink/secret'])
      fs.writeFileSync(path.join(here, 'toSend', name), `sent over ${name}`);
    await expect(machine.send(path.join(here, 'toSend'), there)).rejects.toMatchObject(refused);
    await expect(machine.send(path.join(here, 'toSend'), at('folderLink'))).rejects.toMatchObject(refused);
    await expect(machine.fetch(at('folderLink'), path.join(here, 'fetched'))).rejects.toMatchObject(refused);
    await expect(machine.remove(at('folderLink/secret'))).rejects.toMatchObject(refused);
    await machine.remove(at('folderLink'));
    expect(fs.readdirSync(outside)).toEqual(['secret']);
    expect(fs.readFileSync(path.join(outside, 'secret'), 'utf8')).toBe('secret');
    for (const name of ['fileLink', 'dangling']) fs.unlinkSync(at(name));
    fs.rmSync(at('.graft-transfer'), { recursive: true, force: true });
  });

  it.skipIf(!root)('touches nothing of another user', async () => {
    const at = (name: string) => path.join(there, 'others', name);
    fs.mkdirSync(at('folder'), { recursive: true });
    for (const name of ['file', 'folder/file']) fs.writeFileSync(at(name), 'theirs');
    fs.chownSync(at('file'), OTHER_UID, OTHER_UID);
    fs.chownSync(at('folder'), OTHER_UID, OTHER_UID);
    fs.symlinkSync('/tmp', at('theirLink'));
    fs.lchownSync(at('theirLink'), OTHER_UID, OTHER_UID);
    const refused = { code: 'NOT_OURS', message: expect.stringContaining(String(OTHER_UID)) };
    for (const name of ['file', 'folder/file', 'folder/new']) {
      await expect(machine.read(at(name)), name).rejects.toMatchObject(refused);
      await expect(machine.write(at(name), 'x'), name).rejects.toMatchObject(refused);
    }
    await expect(machine.makeFolder(at('folder'))).rejects.toMatchObject(refused);
    await expect(machine.makeFolder(at('theirLink/x/y'))).rejects.toMatchObject(refused);
    await expect(machine.remove(at('folder'))).rejects.toMatchObject(refused);
    await machine.fetch(at(''), path.join(here, 'nothing'));
    expect(fs.readdirSync(path.join(here, 'nothing'))).toEqual([]);
    expect(fs.readFileSync(at('folder/file'), 'utf8')).toBe('theirs');
  });

  it('makes folders, removes them, sees what exists, and counts what is free', async () => {
    const made = path.join(there, 'made', 'a $(touch pwned)', '-b');
    await machine.makeFolder(made);
    await machine.makeFolder(made);
    expect(fs.statSync(made).mode & 0o777).toBe(0o700);
    expect(await machine.exists(made)).toBe(true);
    const outside = path.join(here, 'kept');
    fs.mkdirSync(outside);
    fs.writeFileSync(path.join(outside, 'file'), '');
    fs.symlinkSync(outside, path.join(made, 'link'));
    await machine.remove(path.join(there, 'made'));
    await machine.remove(path.join(there, 'made'));
    expect(fs.existsSync(path.join(there, 'made'))).toBe(false);
    expect(fs.readdirSync(outside)).toEqual(['file']);
    expect(await machine.exists(made)).toBe(false);
    const [, free] = execFileSync('df', ['--output=avail', '-B1', there], { encoding: 'utf8' }).trim().split('\n');
    const told = await machine.freeBytes(path.join(there, 'not', 'yet'));
    expect(Math.abs(told - Number(free))).toBeLessThan(1e9);
    await expect(machine.remove('/')).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('sends and fetches files of any name, and leaves alone what is there', async () => {
    const from = path.join(here, 'tree');
    const names = HOSTILE.flatMap((name) => [name, `folder of ${name}/${name}`]);
    const contents = new Map<string, Buffer>(names.map((name, i) => [name, crypto.randomBytes(i * 100)]));
    contents.set('twin 1', Buffer.from('the same'));
    contents.set('twin 2', Buffer.from('the same'));
    for (const [name, bytes] of contents) {
      fs.mkdirSync(path.dirname(path.join(from, name)), { recursive: true });
      fs.writeFileSync(path.join(from, name), bytes);
    }
    fs.symlinkSync('twin 1', path.join(from, 'linked'));
    fs.symlinkSync('/etc', path.join(from, 'linked folder'));
    contents.set('linked', Buffer.from('the same'));
    const to = path.join(there, 'tree of $(touch pwned) "q" \'s\' [x]*');
    const back = path.join(here, 'back `touch pwned` ? [y]*');
    const seen: [number, number][] = [];
    await machine.send(from, to, { onProgress: (...now) => seen.push(now) });
    expect(tree(to)).toEqual(contents);
    const total = [...contents.values()].reduce((sum, { length }) => sum + length, 0);
    expect(seen.at(-1)).toEqual([total, total]);
    const inodes = [...contents.keys()].map((name) => fs.statSync(path.join(to, name)).ino);
    contents.set('twin 1', Buffer.from('the sane'));
    fs.writeFileSync(path.join(from, 'twin 1'), 'the sane');
    contents.set('linked', Buffer.from('the sane'));
    await machine.send(from, to);
    expect(tree(to)).toEqual(contents);
    const changed = [...contents.keys()].filter((name, i) => fs.statSync(path.join(to, name)).ino !== inodes[i]);
    expect(changed).toEqual(['twin 1', 'linked']);

    fs.symlinkSync('/etc/passwd', path.join(to, 'planted'));
    fs.symlinkSync('/etc', path.join(to, 'planted folder'));
    await machine.fetch(to, back);
    expect(tree(back)).toEqual(contents);
    expect(fs.existsSync(path.join(to, '.graft-transfer'))).toBe(false);
    const some = path.join(here, 'some');
    const only = ['folder of -rf', 'twin 2', 'planted', 'planted folder/passwd', 'not there'];
    const failed = machine.fetch(to, some, { only });
    await expect(failed).rejects.toMatchObject({ code: 'NOT_OURS' });
    await machine.fetch(to, some, { only: only.filter((name) => name !== 'planted folder/passwd') });
    expect([...tree(some).keys()].sort()).toEqual(['folder of -rf/-rf', 'twin 2']);
    await expect(machine.fetch(to, some, { only: ['../tree'] })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    // Files that come here are as careful as those that go.
    fs.rmSync(path.join(some, 'twin 2'));
    fs.symlinkSync(path.join(here, 'written through'), path.join(some, 'twin 2'));
    await expect(machine.fetch(to, some, { only: ['twin 2'] })).rejects.toMatchObject({ code: 'NOT_OURS' });
    expect(fs.existsSync(path.join(here, 'written through'))).toBe(false);
  });

  it('stops when it is asked to, and nothing stands under its name', async () => {
    const from = path.join(here, 'large');
    fs.mkdirSync(from);
    for (let i = 0; i < 8; i++) fs.writeFileSync(path.join(from, `file ${i}`), crypto.randomBytes(8 << 20));
    const to = path.join(there, 'large');
    const stop = new AbortController();
    const sending = machine.send(from, to, { signal: stop.signal });
    const watch = setInterval(() => incomingBytes(to) > 1e6 && stop.abort(), 1);
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED' });
    clearInterval(watch);
    expect(fs.readdirSync(to)).toEqual(['.graft-transfer']);
    await machine.send(from, to);
    expect(hashes(to)).toEqual(hashes(from));
  });
});

it('secrets of this process’s environment do not reach programs on this machine', async () => {
  process.env['GRAFT_TEST_TOKEN'] = 'hf_secret';
  process.env['Graft_Test_Api_Key'] = 'secret too';
  process.env['GRAFT_TEST_PLAIN'] = 'plain';
  const logFile = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'graft-env-')), 'log');
  try {
    const machine = localMachine();
    const { stdout } = await machine.run(['env']);
    await machine.start(['env'], { cwd: '/', logFile });
    await expect.poll(() => fs.readFileSync(logFile, 'utf8')).toContain('GRAFT_TEST_PLAIN=plain');
    for (const told of [stdout, fs.readFileSync(logFile, 'utf8')]) {
      expect(told).toContain('GRAFT_TEST_PLAIN=plain');
      expect(told).not.toMatch(/secret/);
    }
  } finally {
    for (const name of ['GRAFT_TEST_TOKEN', 'Graft_Test_Api_Key', 'GRAFT_TEST_PLAIN']) delete process.env[name];
    fs.rmSync(path.dirname(logFile), { recursive: true, force: true });
  }
});

/** Every regular file below, by its path. */
function tree(folder: string): Map<string, Buffer> {
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => fs.lstatSync(path.join(folder, name)).isFile())
    .map((name) => [name, fs.readFileSync(path.join(folder, name))] as const);
  return new Map(files.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The same with hashes in place of bytes. */
function hashes(folder: string): Map<string, string> {
  const entries = [...tree(folder)].map(
    ([name, bytes]) => [name, crypto.createHash('sha256').update(bytes).digest('hex')] as const,
  );
  return new Map(entries);
}

function incomingBytes(to: string): number {
  const folder = path.join(to, '.graft-transfer', 'in');
  if (!fs.existsSync(folder)) return 0;
  return fs.readdirSync(folder).reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0);
}
