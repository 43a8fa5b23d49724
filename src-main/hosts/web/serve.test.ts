import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { hostEntry } from '../../../test-support/hostEntry.ts';

const SERVE = hostEntry('serve');

function serve(home: string, argv: string[]) {
  const child = spawn(process.execPath, [SERVE, ...argv], {
    env: { ...process.env, GRAFT_HOME: home, GRAFT_TOKEN: '' },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const address = new Promise<string>((resolve) =>
    child.stdout.on('data', (chunk: Buffer) => resolve(chunk.toString())),
  );
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, stderr })),
  );
  return { child, address, ended };
}

it('prints its address, serves the API there, and ends cleanly at Ctrl-C', async () => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-serve-'));
  const { child, address, ended } = serve(home, ['--port', '0']);
  const match = /^Graft is at (http:\/\/127\.0\.0\.1:\d+)\/\?token=([\w-]+)\n$/.exec(await address)!;
  const [, origin, token] = match;
  expect((await fetch(`${origin}/api/trpc/system.info`)).status).toBe(401);
  const info = (await (
    await fetch(`${origin}/api/trpc/system.info`, { headers: { authorization: `Bearer ${token}` } })
  ).json()) as { result: { data: { home: string } } };
  expect(info.result.data.home).toBe(home);
  child.kill('SIGINT');
  expect(await ended).toEqual({ code: 0, stderr: '' });
  fs.rmSync(home, { recursive: true, force: true });
});

it('refuses a port that is none', async () => {
  const { ended } = serve(os.tmpdir(), ['--port', '70000']);
  expect(await ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/^--port 70000 is not a port;/) });
});
