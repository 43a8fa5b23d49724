/** Ctrl-C while a run on a target is waited for: the run stays, and can be waited for again. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { MODEL, writeRows } from '../../../test-support/rigs/services.ts';
import { until } from '../../../test-support/rigs/tinyJob.ts';

const ENTRY = path.join(import.meta.dirname, 'main.ts');

it('says what becomes of the run, which stays in the list and is followed again', { timeout: 120_000 }, async () => {
  const dir = temporaryFolder();
  const graft = (...args: string[]) => {
    const env = { ...process.env, GRAFT_HOME: path.join(dir, 'home') };
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ENTRY, ...args], { env });
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
    const ended = new Promise((resolve) => child.on('close', resolve));
    return { child, ended, said: () => said };
  };
  // Nobody listens there.
  const where = ['--host', 'nobody@127.0.0.1', '--port', '1', '--work-dir', '/tmp/graft-nowhere'];
  expect(await graft('targets', 'add', 'pc', '--kind', 'ssh', ...where).ended).toBe(0);
  const data = writeRows(path.join(dir, 'rows.jsonl'));
  const first = graft('train', '--on', 'pc', '--model', MODEL, '--data', data, '--task', 'colours');
  await until(() => /Run (run-\w+)/.test(first.said()) && first.said().includes('pc:'));
  const id = /Run (run-\w+)/.exec(first.said())![1]!;
  first.child.kill('SIGINT');
  expect(await first.ended).toBe(130);
  expect(first.said()).toContain(`is not there yet and is sent again with "train --resume ${id}"`);

  const list = graft('runs', 'list');
  await list.ended;
  expect(list.said()).toContain('queued on pc');

  const second = graft('train', '--resume', id);
  await until(() => second.said().includes('pc:'));
  second.child.kill('SIGINT');
  expect(await second.ended).toBe(130);
});
