/** Reports: what is in them, what is not, what they are written for, and how many are kept. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { createCaller } from '../../api/router.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { fakeTrainer } from '../../../test-support/fakes/fakeTrainer.ts';
import { hostEntry } from '../../../test-support/hostEntry.ts';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { GRAFT_ROOT } from '../../files/repository.ts';
import { listReports, readReport, writeReport } from './files.ts';
import { scrub } from './scrub.ts';

let b: TestBench | undefined;
afterEach(async () => {
  await b?.close();
  b = undefined;
});

it('takes out names, folders, rows and secrets, and leaves what helps', () => {
  const hidden = {
    places: { '/home/ada lovelace': '~', '/home/ada lovelace/graft': '<graft>', '/data/acme/rows.jsonl': '<dataset>' },
    words: { ada: '<user>', 'engine-7': '<machine>' },
  };
  const clean = (text: string): string => scrub(text, hidden);
  expect(clean('/data/acme/rows.jsonl is gone')).toBe('<dataset> is gone');
  expect(clean('TypeError: x\n    at step (file:///home/ada lovelace/graft/src-main/a.ts:3:4)')).toBe(
    'TypeError: x\n    at step (<graft>/src-main/a.ts:3:4)',
  );
  expect(clean('read /srv/clients/acme/secret.csv, then C:\\Users\\Ada\\x.txt')).toBe('read <path>, then <path>');
  expect(clean('"/home/ada lovelace/thesis.md"')).toBe('"<path>"');
  expect(clean('Ada on ENGINE-7, adamW')).toBe('<user> on <machine>, adamW');
  for (const secret of [
    'hf_AbCdEfGhIjKlMnOpQr',
    'authorization: Bearer abc.def-123',
    'http://127.0.0.1:4917/?token=abc123',
    '"password": "hunter2"',
    'Xk29fjAlqPz83hfnWq02LsmB',
    'ada@example.org',
  ])
    expect(clean(`before ${secret} after`)).not.toMatch(/AbCd|abc|hunter2|Xk29|ada@|example/);
  expect(clean('The row "Dear Mr Smith, your result is positive" is too long')).toBe('The row "<text>" is too long');
  expect(clean('Loss 1.25 after step 7 on sha256 ' + 'ab12'.repeat(16))).toMatch(/step 7 on sha256 (ab12){16}$/);
});

it('keeps the newest twenty', () => {
  const dir = path.join(temporaryFolder(), 'reports');
  for (let i = 0; i < 23; i++)
    writeReport(dir, { at: `2026-11-30T10:00:${String(i).padStart(2, '0')}.000Z`, title: `number ${i}` });
  expect(listReports(dir).map(({ title }) => title)).toEqual(Array.from({ length: 20 }, (_, i) => `number ${22 - i}`));
  expect(fs.readdirSync(dir)).toHaveLength(20);
  fs.writeFileSync(path.join(dir, 'report-2026.json'), 'no report');
  expect(listReports(dir)).toHaveLength(20);
  expect(() => readReport(dir, '../graft.db')).toThrow(/There is no report/);
});

it('of a worker that dies in a run: the settings and the log, without rows, prompts and names', async () => {
  b = openBench();
  const input = await smallRun(b, { steps: 5000, samplePrompts: ['One day, Lily saw a'] });
  const run = await b.services.runs.start({ ...input, name: 'private name', taskName: 'private task' });
  await untilEvent(b, run.id, (event) => event.type === 'step' && event.step === 3);
  process.kill(b.services.runs.require(run.id).pid!, 'SIGKILL');
  await b.services.runs.finished(run.id);
  const [report, ...others] = await b.api.system.reports();
  expect(others).toEqual([]);
  expect(report).toMatchObject({ runId: run.id, title: expect.stringMatching(/was ended by SIGKILL/) as string });
  const text = await b.api.system.report({ name: report!.name });
  expect(JSON.parse(text)).toMatchObject({
    worker: { signal: 'SIGKILL', calls: ['train'] },
    run: {
      engine: 'wasm',
      method: { type: 'lora', rank: 4 },
      train: { steps: 5000, samplePrompts: 1 },
      counts: { totalSteps: 5000 },
      log: expect.arrayContaining([expect.stringMatching(/^Training begins/)]) as string[],
    },
    machine: { node: process.versions.node, cores: os.availableParallelism() },
  });
  for (const hidden of ['Lily', 'private', b.dir, 'rows.jsonl', os.homedir() === '/' ? '\0' : os.homedir()])
    expect(text).not.toContain(hidden);
});

it('none of a worker that Graft ends itself', async () => {
  b = openBench({ spawnWorker: fakeTrainer({ lossOf: () => 1, holds: () => true }) });
  const run = await b.services.runs.start(await smallRun(b, { steps: 50 }));
  await untilEvent(b, run.id, (event) => event.type === 'step');
  b.services.runs.stop(run.id);
  await b.services.runs.finished(run.id);
  expect(await b.api.system.reports()).toEqual([]);
});

it('of a fault of Graft in a run, and of one in the API, once', async () => {
  b = openBench({
    spawnWorker: fakeTrainer({
      lossOf: () => 1,
      began: () => {
        throw new TypeError('x is not a function');
      },
    }),
  });
  const run = await b.services.runs.start(await smallRun(b));
  await b.services.runs.finished(run.id);
  expect((await b.api.system.reports()).map(({ runId }) => runId)).toEqual([run.id]);

  const { services } = b;
  services.catalog.tasks.list = () => {
    throw new RangeError('a fault');
  };
  const api = createCaller(services, { onFault: services.reports.fault });
  await expect(api.tasks.list()).rejects.toThrow(/a fault/);
  await expect(api.tasks.list()).rejects.toThrow();
  await expect(api.runs.get({ id: 'nobody' })).rejects.toThrow(/There is no run/); // no fault
  const reports = await b.api.system.reports();
  expect(reports.map(({ title }) => title)).toEqual([
    'Graft met a fault of its own.',
    'A run ended by a fault of Graft.',
  ]);
  const text = await b.api.system.report({ name: reports[0]!.name });
  expect(JSON.parse(text)).toMatchObject({
    where: 'tasks.list',
    error: { stack: expect.stringMatching(/a fault/) as string },
  });
  expect(text).not.toContain(GRAFT_ROOT);
});

it('of a host that was killed, when the next one starts', async () => {
  const home = path.join(temporaryFolder(), 'home');
  const reports = path.join(home, 'reports');
  const host = spawn(process.execPath, [hostEntry('serve'), '--port', '0'], {
    env: { ...process.env, GRAFT_HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const isMarked = (): boolean => fs.existsSync(path.join(reports, `running-${host.pid}`));
  while (!isMarked()) await sleep(20);
  host.kill('SIGKILL');
  await new Promise((resolve) => host.on('exit', resolve));
  expect(isMarked()).toBe(true);

  const next = spawn(process.execPath, [hostEntry('serve'), '--port', '0'], {
    env: { ...process.env, GRAFT_HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve) => next.stdout.once('data', resolve));
  next.kill('SIGTERM');
  await new Promise((resolve) => next.on('exit', resolve));
  expect(listReports(reports).map(({ title }) => title)).toEqual([
    'Graft ended without closing: it was killed, or the machine was switched off.',
  ]);
  expect(fs.readdirSync(reports)).toHaveLength(1); // no mark of one that ended by itself
}, 60_000);
