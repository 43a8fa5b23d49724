/** What every machine does, on this one and over ssh; the files are looked at by other means. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { localMachine } from './localMachine.ts';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-machine-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

it('smoke', async () => {
  const m = localMachine();
  expect(await m.run(['printf', '%s', '$(touch pwned)'], { cwd: root })).toEqual({
    code: 0,
    stdout: '$(touch pwned)',
    stderr: '',
  });
  expect((await m.run(['no-such-program-here'])).code).toBe(null);
  await m.write(path.join(root, 'a/b'), 'hi');
  expect(Buffer.from((await m.read(path.join(root, 'a/b')))!.bytes).toString()).toBe('hi');
  expect(await m.read(path.join(root, 'a/c'))).toBe(null);
  await m.send(path.join(root, 'a'), path.join(root, 'x'));
  expect(fs.readdirSync(path.join(root, 'x'))).toEqual(['b']);
  await m.fetch(path.join(root, 'x'), path.join(root, 'y'));
  expect(fs.readdirSync(path.join(root, 'y'))).toEqual(['b']);
  expect(fs.readdirSync(path.join(root, 'x'))).toEqual(['b']);
  const { pid } = await m.start(['sleep', '100'], { cwd: root, logFile: path.join(root, 'log') });
  expect(await m.isAlive(pid)).toBe(true);
  await m.signal(pid, 'SIGKILL');
  await expect.poll(() => m.isAlive(pid)).toBe(false);
});
