/** Training in a real worker process: killed, resumed, stopped, paused. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { removePartials } from '../jobs/removePartials.ts';
import { filesBelow, startInWorker, tinyRun } from '../testing/tinyRun.ts';
import { CHECKPOINT_FILE, type RunSpec, type TrainEvent } from './protocol.ts';

/** Enough that the run is still under way when the order to kill or to pause it arrives, also on a busy machine. */
const STEPS = 90;

const ofType = <T extends TrainEvent['type']>(events: TrainEvent[], type: T) => events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
const validations = (events: TrainEvent[]) => ofType(events, 'eval').map(({ step, valLoss }) => [step, valLoss]);
const adapterBytes = (spec: RunSpec): Buffer => fs.readFileSync(path.join(spec.outDir, 'adapter_model.safetensors'));

it.each([
  ['plain', { method: {}, train: {} }],
  ['with dropout and accumulation', { method: { dropout: 0.1 }, train: { accumulate: 2 } }],
])('a run killed in the middle and resumed repeats the uninterrupted one exactly, %s', async (_, { method, train }) => {
  const options = { method, train: { steps: STEPS, checkpointEvery: 15, evalEvery: 25, warmup: 5, ...train } };
  const whole = await tinyRun(options);
  const reference = startInWorker(whole);
  const finished = await reference.call.promise;
  expect(finished).toMatchObject({ outcome: 'completed', steps: STEPS });

  const spec = await tinyRun(options);
  const killed = startInWorker(spec, false, (event, { client }) => {
    if (event.type === 'step' && event.step === 20) process.kill(client.pid!, 'SIGKILL');
  });
  await expect(killed.call.promise).rejects.toMatchObject({ code: 'WORKER_CRASHED', details: { signal: 'SIGKILL' } });
  expect(killed.losses.size).toBeLessThan(STEPS);
  expect(filesBelow(spec.outDir)).toEqual([]);

  removePartials(path.join(spec.runDir, CHECKPOINT_FILE)); // as RunService does: the kill may have hit a checkpoint in the making
  const resumed = startInWorker(spec, true);
  const result = await resumed.call.promise;
  const { resumedFrom } = ofType(resumed.events, 'started')[0]!;
  expect(resumedFrom).toBeGreaterThanOrEqual(15);
  expect(resumedFrom % 15).toBe(0);
  expect([...killed.losses]).toEqual([...reference.losses].slice(0, killed.losses.size));
  expect([...resumed.losses]).toEqual([...reference.losses].slice(resumedFrom));
  expect(validations(resumed.events)).toEqual(validations(reference.events).filter(([step]) => step! > resumedFrom));
  expect(adapterBytes(spec)).toEqual(adapterBytes(whole));
  const facts = ({ sha256, steps, firstLoss, finalLoss, initialValLoss, valLoss }: typeof result) => ({ sha256, steps, firstLoss, finalLoss, initialValLoss, valLoss });
  expect(facts(result)).toEqual(facts(finished));
  expect(filesBelow(spec.runDir)).toEqual([]);
  expect(filesBelow(path.dirname(spec.outDir)).filter((name) => name.includes('.partial'))).toEqual([]);
});

it('a stopped run writes its adapter and can be resumed', async () => {
  const options = { train: { steps: 400, checkpointEvery: 0, schedule: 'constant' } };
  const spec = await tinyRun(options);
  const stopped = startInWorker(spec, false, (event, { call }) => {
    if (event.type === 'step' && event.step === 3) call.control('stop');
  });
  const first = await stopped.call.promise;
  expect(first).toMatchObject({ outcome: 'stopped', finalLoss: stopped.losses.get(first.steps) });
  expect(first.steps).toBeLessThan(400);
  expect(filesBelow(spec.outDir)).toEqual(['adapter_config.json', 'adapter_model.safetensors', 'graft.json']);
  expect(filesBelow(spec.runDir)).toEqual(['checkpoint.safetensors']);

  // The record of a resumed run may ask for other steps; the adapter goes to a folder that does not exist yet.
  const last = first.steps + 2;
  const longer = { ...spec, outDir: `${spec.outDir}-2`, train: { ...spec.train, steps: last } };
  const resumed = startInWorker(longer, true);
  expect(await resumed.call.promise).toMatchObject({ outcome: 'completed', steps: last });
  expect([...resumed.losses.keys()]).toEqual([last - 1, last]);
});

it('a paused run has its checkpoint on disk, waits, and goes on with the same losses', async () => {
  const options = { train: { steps: STEPS, checkpointEvery: 0 } };
  const reference = startInWorker(await tinyRun(options));
  await reference.call.promise;

  const spec = await tinyRun(options);
  let onDisk: string[] = [];
  const paused = startInWorker(spec, false, (event, { call }) => {
    if (event.type === 'step' && event.step === 2) call.control('pause');
    if (event.type !== 'paused') return;
    onDisk = filesBelow(spec.runDir);
    call.control('continue');
  });
  expect(await paused.call.promise).toMatchObject({ outcome: 'completed', steps: STEPS });
  expect(onDisk).toEqual(['checkpoint.safetensors']);
  const order = paused.events.map(({ type }) => type).filter((type) => type !== 'step' && type !== 'eval');
  expect(order).toEqual(['started', 'checkpoint', 'paused', 'continued']);
  expect([...paused.losses]).toEqual([...reference.losses]);
});

it('a run that is killed while it is paused after its last step still knows its last losses', async () => {
  const spec = await tinyRun({ train: { steps: 1, checkpointEvery: 0 } });
  const paused = startInWorker(spec, false, (event, { client }) => {
    if (event.type === 'paused') process.kill(client.pid!, 'SIGKILL');
  });
  paused.call.control('pause');
  await expect(paused.call.promise).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
  const resumed = startInWorker(spec, true);
  const result = await resumed.call.promise;
  const measured = ofType(paused.events, 'eval').at(-1)!;
  expect(measured.step).toBe(1);
  expect(result).toMatchObject({ outcome: 'completed', steps: 1, finalLoss: paused.losses.get(1), valLoss: measured.valLoss });
});
