/** Training in a real worker process: killed, resumed, stopped, paused. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { removePartials } from '../../files/removePartials.ts';
import { filesBelow, leftOf, startInWorker, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { keptStates } from '../../runfolder/keptStates.ts';
import { interimDir, runStateFile } from '../../runfolder/layout.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';

/** Enough that the run is still under way when the order to kill or to pause it arrives, also on a busy machine. */
const STEPS = 90;

const ofType = <T extends TrainEvent['type']>(events: TrainEvent[], type: T) =>
  events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
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

  // as RunService does: the kill may have hit a state in the making
  removePartials(runStateFile(spec.runDir));
  const resumed = startInWorker(spec, true);
  const result = await resumed.call.promise;
  const { resumedFrom } = ofType(resumed.events, 'started')[0]!;
  expect(resumedFrom).toBeGreaterThanOrEqual(15);
  expect(resumedFrom % 15).toBe(0);
  expect([...killed.losses]).toEqual([...reference.losses].slice(0, killed.losses.size));
  expect([...resumed.losses]).toEqual([...reference.losses].slice(resumedFrom));
  expect(validations(resumed.events)).toEqual(validations(reference.events).filter(([step]) => step! > resumedFrom));
  expect(adapterBytes(spec)).toEqual(adapterBytes(whole));
  const facts = ({ sha256, steps, firstLoss, finalLoss, initialValLoss, valLoss }: typeof result) => ({
    sha256,
    steps,
    firstLoss,
    finalLoss,
    initialValLoss,
    valLoss,
  });
  expect(facts(result)).toEqual(facts(finished));
  // Until the catalogue has the result.
  expect(leftOf(spec)).toEqual(['checkpoint.safetensors', 'end.safetensors', 'events.jsonl']);
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
  expect(leftOf(spec)).toEqual(['checkpoint.safetensors', 'events.jsonl']);
  expect(keptStates(spec.runDir).map(({ step }) => step)).toEqual([first.steps]);

  // The record of a resumed run may ask for other steps; the adapter goes to a folder that does not exist yet.
  const last = first.steps + 2;
  const longer = { ...spec, outDir: `${spec.outDir}-2`, train: { ...spec.train, steps: last } };
  const resumed = startInWorker(longer, true);
  expect(await resumed.call.promise).toMatchObject({ outcome: 'completed', steps: last });
  expect([...resumed.losses.keys()]).toEqual([last - 1, last]);
});

it('a paused run ends with its state and an interim adapter; another process goes on to the same bytes', async () => {
  const options = { method: { dropout: 0.1 }, train: { steps: STEPS, checkpointEvery: 0, evalEvery: 25 } };
  const whole = await tinyRun(options);
  const reference = startInWorker(whole);
  await reference.call.promise;

  const spec = await tinyRun(options);
  const paused = startInWorker(spec, false, (event, { call }) => {
    if (event.type === 'step' && event.step === 2) call.control('pause');
  });
  const half = await paused.call.promise;
  expect(half).toMatchObject({
    outcome: 'paused',
    outDir: interimDir(spec.runDir),
    finalLoss: paused.losses.get(half.steps),
  });
  expect(half.steps).toBeLessThan(STEPS);
  expect(filesBelow(spec.outDir)).toEqual([]);
  expect(filesBelow(half.outDir)).toEqual(['adapter_config.json', 'adapter_model.safetensors', 'graft.json']);
  expect(paused.events.at(-1)).toEqual({ type: 'checkpoint', step: half.steps });

  const rest = startInWorker(spec, true);
  expect(await rest.call.promise).toMatchObject({ outcome: 'completed', steps: STEPS });
  expect([...paused.losses, ...rest.losses]).toEqual([...reference.losses]);
  expect(adapterBytes(spec)).toEqual(adapterBytes(whole));
  expect(filesBelow(half.outDir)).toEqual([]);
});

it('asked to pause before its first step, a run takes none', async () => {
  const spec = await tinyRun({ train: { steps: 3, checkpointEvery: 0 } });
  const paused = startInWorker(spec);
  paused.call.control('pause');
  expect(await paused.call.promise).toMatchObject({ outcome: 'paused', steps: 0 });
  const resumed = startInWorker(spec, true);
  expect(await resumed.call.promise).toMatchObject({ outcome: 'completed', steps: 3 });
  expect([...resumed.losses.keys()]).toEqual([1, 2, 3]);
});
