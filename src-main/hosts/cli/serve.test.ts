/** `serve` and `chat` as processes: asked over HTTP, talked to through a pipe, interrupted. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hostEntry } from '../../../test-support/hostEntry.ts';
import { MODEL } from '../../../test-support/rigs/services.ts';

let dir: string;
let child: ChildProcess | undefined;

beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-serve-'))));
afterEach(() => {
  child?.kill('SIGKILL');
  fs.rmSync(dir, { recursive: true, force: true });
});

/** Starts a command; `ended` resolves with its exit code and all that it wrote. */
function graft(argv: string[], env: Record<string, string> = {}) {
  const started = spawn(process.execPath, [hostEntry('cli'), ...argv], {
    env: { ...process.env, GRAFT_HOME: path.join(dir, 'home'), ...env },
  });
  child = started;
  const out = { stdout: '', stderr: '' };
  started.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk.toString()));
  started.stderr.on('data', (chunk: Buffer) => (out.stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => started.on('close', resolve));
  return { process: started, out, ended };
}

it('serves a folder that is in no catalogue, with the key of the environment, until it is interrupted', async () => {
  const argv = ['serve', '--model', MODEL, '--port', '0', '--engine', 'wasm', '--json'];
  const { out, ended, process: running } = graft(argv, { GRAFT_API_KEY: 'key-from-outside' });
  await expect.poll(() => out.stdout, { timeout: 30_000 }).toMatch(/\n$/);
  const facts = JSON.parse(out.stdout) as { address: string; apiKey: string; aloneTokensPerSecond: number };
  expect(facts).toMatchObject({ apiKey: 'key-from-outside', engine: 'wasm', tasks: [{ name: 'base' }] });
  expect(facts.aloneTokensPerSecond).toBeGreaterThan(0);
  const headers = { authorization: 'Bearer key-from-outside', 'content-type': 'application/json' };
  const ask = (model: string) =>
    fetch(`${facts.address}/completions`, { method: 'POST', headers, body: JSON.stringify({ model, prompt: 'One' }) });
  expect((await ask('base')).status).toBe(200);
  expect((await ask('nobody')).status).toBe(404);
  await expect.poll(() => out.stderr).toMatch(/nobody: There is no task "nobody" here/);
  running.kill('SIGINT');
  expect(await ended).toBe(130);
  await expect(ask('base')).rejects.toThrow();
});

it('names the option that is wrong', async () => {
  const { out, ended } = graft(['serve', '--model', MODEL, '--api-key', 'short']);
  expect(await ended).toBe(2);
  expect(out.stderr).toMatch(/--api-key is too short/);
});

it('chats through a pipe: answers, forgets, leaves', async () => {
  const argv = ['chat', '--model', MODEL, '--engine', 'wasm', '--max-new', '8', '--temperature', '0', '--json'];
  const { process: running, out, ended } = graft(argv);
  running.stdin.end('One day\n/reset\n\nOnce\n/exit\nnever\n');
  expect(await ended).toBe(0);
  const { messages } = JSON.parse(out.stdout) as { messages: { role: string; content: string }[] };
  expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
  expect(messages[0]!.content).toBe('Once');
  expect(out.stderr.match(/tokens?, [\d.]+ tokens\/s/g)).toHaveLength(2);
});
