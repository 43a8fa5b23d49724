/** A run goes on while the catalogue is locked by another process or its disk is full; nothing is lost or doubled. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import { mountDisk, NO_DISK, temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { openCatalog } from '../../catalog/catalog.ts';
import { Journal, readJournal } from '../../runfolder/journal.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { PatientWriter } from '../storage/patientWriter.ts';

let b: TestBench | undefined;
let locker: ChildProcess | undefined;
afterEach(async () => {
  locker?.kill('SIGKILL');
  await b?.close();
  b = locker = undefined;
});

/** Writes until the disk is full. */
function fill(file: string): void {
  try {
    for (;;) fs.appendFileSync(file, Buffer.alloc(4096));
  } catch {
    // Full.
  }
}

/** Another process that holds the catalogue as a backup does, until it is killed. */
async function lock(file: string): Promise<void> {
  const program = `
    const Database = require(${JSON.stringify(SQLITE)});
    new Database(${JSON.stringify(file)}).exec('BEGIN EXCLUSIVE');
    console.log('locked');
    setInterval(() => {}, 1000);`;
  locker = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => locker!.stdout!.once('data', resolve));
}

const steps = (bench: TestBench, id: string): number[] =>
  bench.services.catalog.metrics.after(id, 0).map(({ step }) => step);
const SQLITE = path.resolve(import.meta.dirname, '../../../node_modules/better-sqlite3');

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

it('a run that trains to its end while another process holds the lock is recorded whole afterwards', async () => {
  b = openBench();
  const { id } = await b.services.runs.start(await smallRun(b, { steps: 60, evalEvery: 30 }));
  await untilEvent(b, id, (event) => event.type === 'step' && event.step === 2);
  const { pid, spec } = b.services.runs.require(id);
  const { outDir, runDir } = spec;
  // Tiny steps: the run must not be over before the lock is held.
  process.kill(pid!, 'SIGSTOP');
  await lock(b.services.home.catalogFile);
  process.kill(pid!, 'SIGCONT');
  // Its adapter is there, so training is over; the row cannot say so yet.
  await expect
    .poll(() => fs.existsSync(path.join(outDir, 'adapter_model.safetensors')), { timeout: 60_000 })
    .toBe(true);
  expect(b.services.runs.require(id).status).toBe('running');
  expect(readJournal(runDir).filter(({ type }) => type === 'step')).toHaveLength(60);

  locker!.kill('SIGKILL');
  expect((await b.services.runs.finished(id)).status).toBe('completed');
  expect(steps(b, id)).toEqual(upTo(60));
  const log = b.services.catalog.runHistory.log(id, 0).map(({ message }) => message);
  expect(new Set(log).size).toBe(log.length);
  expect(b.services.catalog.metrics.evaluations(id).map(({ step }) => step)).toEqual([0, 30, 60]);
  expect(readJournal(runDir)).toEqual([]);
});

it('a run that fails while the lock is held is failed for callers at once, and in the row afterwards', async () => {
  b = openBench();
  const { id } = await b.services.runs.start(await smallRun(b, { steps: 200 }));
  await untilEvent(b, id, (event) => event.type === 'step' && event.step === 3);
  await lock(b.services.home.catalogFile);
  process.kill(b.services.runs.require(id).pid!, 'SIGKILL');
  expect((await b.services.runs.finished(id)).status).toBe('failed');
  expect(b.services.runs.require(id).status).toBe('failed');
  expect(b.services.catalog.runs.get(id)!.status).toBe('running');
  expect(() => b!.services.runs.resume(id)).toThrow(/cannot be written yet/);
  locker!.kill('SIGKILL');
  await expect.poll(() => b!.services.catalog.runs.get(id)!.status, { timeout: 20_000 }).toBe('failed');
});

it('a full disk delays the row, and nothing stays under way for good', async ({ skip }) => {
  const disk = mountDisk('size=2m') ?? skip(NO_DISK);
  const catalog = openCatalog(path.join(disk, 'graft.db'));
  const writer = new PatientWriter(catalog, 20);
  const filler = path.join(disk, 'filler');
  fs.writeFileSync(filler, '');
  try {
    fill(filler);
    const text = JSON.stringify('x'.repeat(300_000));
    const order: number[] = [];
    const put = (n: number) => () => void catalog.db.prepare('INSERT INTO settings VALUES (?, ?)').run(`k${n}`, text);
    writer.write(put(1), () => order.push(1));
    const second = writer.save(put(2), () => order.push(2));
    expect([order, writer.isUpToDate]).toEqual([[], false]);
    fs.rmSync(filler);
    await second;
    expect(order).toEqual([1, 2]);
    expect(catalog.db.prepare('SELECT count(*) FROM settings').pluck().get()).toBe(2);
  } finally {
    writer.close();
    catalog.close();
  }
});

it('what waiting does not mend is thrown at once, and the rest goes on', async () => {
  const catalog = openCatalog(path.join(temporaryFolder(), 'graft.db'));
  const writer = new PatientWriter(catalog, 20);
  expect(() => writer.write(() => void catalog.db.prepare('DELETE FROM nowhere').run())).toThrow(/no such table/);
  await writer.save(() => void catalog.settings);
  expect(writer.isUpToDate).toBe(true);
  catalog.close();
});

const step = (n: number): TrainEvent => ({
  type: 'step',
  step: n,
  loss: 1,
  lr: 1,
  gradNorm: 1,
  tokensPerSecond: 1,
  memoryBytes: 1,
  elapsedMs: 1,
});

it('what a killed process had not recorded is read from the run folder at the next start', async () => {
  b = openBench();
  const { id } = await b.services.runs.start(await smallRun(b, { steps: 200 }));
  await untilEvent(b, id, (event) => event.type === 'step' && event.step === 3);
  process.kill(b.services.runs.require(id).pid!, 'SIGKILL');
  await b.services.runs.finished(id);
  const run = b.services.runs.require(id);
  const recorded = steps(b, id).length;
  const { runHistory } = b.services.catalog;
  const said = runHistory.messages(id);
  // As if the host had been killed together with its worker, before it read the last events.
  b.services.catalog.db.prepare("UPDATE runs SET status = 'running', owner_pid = 4194305 WHERE id = ?").run(id);
  b.services.catalog.metrics.dropAfter(id, 1);
  const { id: lastLine } = runHistory.log(id, 0)[1]!;
  b.services.catalog.db.prepare('DELETE FROM run_log WHERE run_id = ? AND id > ?').run(id, lastLine);
  fs.appendFileSync(path.join(run.spec.runDir, 'events.jsonl'), '\n{"type":"step","st');
  await b.reopen();
  expect(steps(b, id)).toEqual(upTo(recorded));
  // All but the last line, which the host said itself.
  expect(said.length).toBeGreaterThan(3);
  expect(b.services.catalog.runHistory.messages(id)).toEqual(said.slice(0, -1));
  expect(b.services.runs.require(id).status).toBe('failed');
});

it('the journal begins anew with a run that goes on, and a torn line is left out', () => {
  const dir = temporaryFolder();
  const started = { type: 'started', resumedFrom: 0 } as TrainEvent;
  const journal = new Journal(dir);
  for (const event of [started, step(1), step(2)]) journal.write(event);
  fs.appendFileSync(path.join(dir, 'events.jsonl'), '\n{"type":"st');
  journal.write(step(3));
  const events = () => readJournal(dir).map(({ atMs, ...event }) => (expect(atMs).toBeGreaterThan(0), event));
  expect(events()).toEqual([started, step(1), step(2), step(3)]);
  journal.close();
  const next = new Journal(dir);
  for (const event of [step(9), started, step(4)]) next.write(event);
  expect(events()).toEqual([started, step(4)]);
  next.close();
  expect(readJournal(path.join(dir, 'nowhere'))).toEqual([]);
});
