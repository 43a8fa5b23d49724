/** The program that trains a job, as a process: told to end, killed, stopped, begun anew; it knows its folder alone. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { eventsOf, lossesOf, startJob, stateOf, tinyJob, untilStep } from '../../../test-support/rigs/tinyJob.ts';
import { startInWorker, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import type { JobFile } from '../../../src-shared/jobs.ts';
import { JOB } from '../layout.ts';

const LONG = { train: { steps: 60, checkpointEvery: 10, evalEvery: 20 } };

const adapter = (dir: string): Buffer => fs.readFileSync(path.join(dir, 'adapter_model.safetensors'));
const ask = (dir: string, control: object): void =>
  fs.writeFileSync(path.join(dir, JOB.control), JSON.stringify(control));

/** The same run in a worker of this app. */
async function here(options = LONG) {
  const spec = await tinyRun(options);
  const { call, losses } = startInWorker(spec);
  await call.promise;
  return { losses: [...losses], bytes: adapter(spec.outDir) };
}

it('trains what a worker of the app trains, bit for bit, with nothing but its folder', async () => {
  const spec = await tinyRun(LONG);
  // Quotes, a line break and a dash in every name that it sees.
  const dir = tinyJob(spec, path.join(temporaryFolder(), '-job "one"\n$(touch here) \'two\''));
  for (const name of ['model', 'rows.jsonl'])
    fs.rmSync(path.join(path.dirname(spec.runDir), name), { recursive: true });
  const { ended } = startJob(dir);
  expect(await ended).toBe(0);
  const reference = await here();
  expect(lossesOf(dir)).toEqual(reference.losses);
  expect(adapter(path.join(dir, JOB.outDir))).toEqual(reference.bytes);
  expect(stateOf(dir)).toMatchObject({
    phase: 'completed',
    attempt: 1,
    step: 60,
    result: { outDir: 'out', steps: 60 },
  });
  expect(eventsOf(dir).map(({ seq }) => seq)).toEqual(eventsOf(dir).map((_, i) => i + 1));
});

it('told to end, it keeps its state, and goes on to the same values', async () => {
  const dir = tinyJob(await tinyRun(LONG));
  const first = startJob(dir);
  await untilStep(dir, 25);
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(75);
  const cut = stateOf(dir);
  expect(cut).toMatchObject({ phase: 'interrupted', why: 'told to end', resumable: true });
  expect(cut.result!.steps).toBeGreaterThanOrEqual(25);
  expect(cut.result!.steps).toBeLessThan(60);
  expect(await startJob(dir).ended).toBe(0);
  const reference = await here();
  expect(lossesOf(dir)).toEqual(reference.losses); // each step once: it goes on exactly where it was
  expect(adapter(path.join(dir, JOB.outDir))).toEqual(reference.bytes);
  expect(stateOf(dir)).toMatchObject({ phase: 'completed', attempt: 2 });
});

it('killed in the middle, it goes on from its checkpoint, and what it half wrote is no event', async () => {
  const dir = tinyJob(await tinyRun(LONG));
  const first = startJob(dir);
  await untilStep(dir, 25);
  first.child.kill('SIGKILL');
  expect(await first.ended).toBe('SIGKILL');
  expect(stateOf(dir).phase).toBe('running');
  fs.appendFileSync(path.join(dir, JOB.events), '{"type":"step","step":26,"lo');
  expect(await startJob(dir).ended).toBe(0);
  const reference = await here();
  const again = eventsOf(dir).filter(({ attempt }) => attempt === 2);
  expect(again.find((event) => event.type === 'started')).toMatchObject({ resumedFrom: 20 });
  expect(lossesOf(dir).slice(-40)).toEqual(reference.losses.slice(-40));
  expect(adapter(path.join(dir, JOB.outDir))).toEqual(reference.bytes);
  const seqs = eventsOf(dir).map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
});

it('stops as asked, does not begin again by itself, and does so when asked', async () => {
  const dir = tinyJob(await tinyRun(LONG));
  const first = startJob(dir);
  await untilStep(dir, 5);
  ask(dir, { action: 'stop' });
  expect(await first.ended).toBe(0);
  const stopped = stateOf(dir);
  expect(stopped).toMatchObject({ phase: 'stopped', resumable: true, result: { outcome: 'stopped' } });
  expect(fs.existsSync(path.join(dir, JOB.outDir, 'adapter_model.safetensors'))).toBe(true);
  expect(await startJob(dir).ended).toBe(0); // as a scheduler might
  expect(stateOf(dir)).toEqual(stopped);
  ask(dir, { action: 'none', afterAttempt: 1 });
  expect(await startJob(dir).ended).toBe(0);
  expect(stateOf(dir)).toMatchObject({ phase: 'completed', attempt: 2, step: 60 });
});

it('says in its state what is wrong with its job', async () => {
  const spec = await tinyRun();
  const changed = tinyJob(spec);
  const weights = path.join(changed, 'base', 'model.safetensors');
  fs.appendFileSync(weights, 'x');
  expect(await startJob(changed).ended).toBe(1);
  expect(stateOf(changed)).toMatchObject({ phase: 'failed', error: { code: 'JOB_CHANGED' } });
  expect(stateOf(changed).error!.message).toContain(weights);

  const moved = tinyJob(spec);
  const job = JSON.parse(fs.readFileSync(path.join(moved, JOB.file), 'utf8')) as JobFile;
  const elsewhere = { ...job, base: { ...job.base, places: ['nowhere', '../elsewhere'] } };
  fs.writeFileSync(path.join(moved, JOB.file), JSON.stringify(elsewhere));
  expect(await startJob(moved).ended).toBe(1);
  expect(stateOf(moved).error!.message).toContain(path.join(path.dirname(moved), 'elsewhere'));

  const empty = startJob(temporaryFolder());
  expect(await empty.ended).toBe(1);
  expect(empty.said()).toContain('There is no job.json in');
});

it('reads no file through a link, and none of somebody else', async () => {
  const dir = tinyJob(await tinyRun());
  const elsewhere = path.join(temporaryFolder(), 'job.json');
  fs.renameSync(path.join(dir, JOB.file), elsewhere);
  fs.symlinkSync(elsewhere, path.join(dir, JOB.file));
  const linked = startJob(dir);
  expect(await linked.ended).toBe(1);
  expect(linked.said()).toContain('is a link, so it is not read');
  if (process.getuid?.() !== 0) return;
  fs.rmSync(path.join(dir, JOB.file));
  fs.renameSync(elsewhere, path.join(dir, JOB.file));
  fs.chownSync(path.join(dir, JOB.file), 12345, 12345);
  const foreign = startJob(dir);
  expect(await foreign.ended).toBe(1);
  expect(foreign.said()).toContain('belongs to somebody else');
});
