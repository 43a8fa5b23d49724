/** Ctrl-C ends a command that hears nothing, and its workers with it. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { SAME_PRESS_MS } from './supervise.ts';

const SUPERVISE = path.join(import.meta.dirname, 'supervise.ts');

/** A command whose thread is taken. */
const DEAF = "for (;;) fs.existsSync('/');";
const STOPPING = 'Stopping …; press Ctrl-C again to end at once.\n';

/** A watcher of a program that reports a detached worker, says both ids, deaf to SIGINT, and goes on with `rest`. */
function start(rest: string, graceMs = 200) {
  const dir = temporaryFolder();
  const entry = path.join(dir, 'command.mjs');
  fs.writeFileSync(
    entry,
    `import { spawn } from 'node:child_process';
    import fs from 'node:fs';
    const worker = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
    process.send({ worker: worker.pid });
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.on('SIGINT', () => {});
    console.log(process.pid + ' ' + worker.pid);
    ${rest}`,
  );
  const program = `import { superviseCommand } from ${JSON.stringify(SUPERVISE)};
    process.exitCode = await superviseCommand(${JSON.stringify(entry)}, [], ${graceMs});`;
  const watcher = path.join(dir, 'watcher.mjs');
  fs.writeFileSync(watcher, program);
  const child = spawn(process.execPath, [watcher], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const pids = new Promise<number[]>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim().split(' ').map(Number))),
  );
  const said = new Promise<void>((resolve) => child.stderr.once('data', () => resolve()));
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, stderr })),
  );
  return { child, pids, said, ended };
}

/** Zombies, which nobody reaps in a container, count as gone. */
const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return process.platform === 'linux' && /^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
};

it.skipIf(process.platform === 'win32').each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends a command whose thread is taken, and its worker',
  async (signal) => {
    const { child, pids, ended } = start(DEAF);
    const both = await pids;
    child.kill(signal);
    expect(await ended).toEqual({ code: 130, stderr: signal === 'SIGINT' ? STOPPING : '' });
    await expect.poll(() => both.map(isGone)).toEqual([true, true]);
  },
);

it.skipIf(process.platform === 'win32')(
  'Ctrl-C is answered before anything has ended; a second one ends all',
  async () => {
    const { child, pids, said, ended } = start(DEAF, 600_000);
    const both = await pids;
    child.kill('SIGINT');
    await said;
    expect(both.map(isGone)).toEqual([false, false]);
    // A press too soon after the first is taken for the same; one that comes while the watcher ends would end it.
    await setTimeout(2 * SAME_PRESS_MS);
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: 130, stderr: STOPPING });
    await expect.poll(() => both.map(isGone)).toEqual([true, true]);
  },
);

it('hands on the exit code, and says what ended a command that was killed', async () => {
  const done = start('worker.kill(); process.exit(7);');
  expect(await done.ended).toEqual({ code: 7, stderr: '' });
  if (process.platform === 'win32') return;
  const killed = start("process.kill(process.pid, 'SIGKILL');");
  expect(await killed.ended).toEqual({ code: 1, stderr: expect.stringMatching(/^The command was ended by SIGKILL;/) });
});
