/** A completed run trained further is the run that had been that long from the start. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { endStateFile } from '../../runfolder/layout.ts';
import type { RunView } from './view.ts';

let b: TestBench;
afterEach(() => b.close());

type Train = Parameters<typeof smallRun>[1];

async function finished(train: Train): Promise<RunView> {
  const { id } = await b.services.runs.start(await smallRun(b, train));
  return b.services.runs.finished(id);
}

const weights = ({ result }: RunView): Buffer =>
  fs.readFileSync(path.join(result!.outDir, 'adapter_model.safetensors'));
const losses = ({ id }: RunView): [number, number][] =>
  b.services.catalog.metrics.after(id, 0).map(({ step, loss }) => [step, loss]);

it('value by value, with the moments of its optimiser and the rows in their order', async () => {
  b = openBench();
  const settings = { schedule: 'constant', warmup: 0, evalEvery: 4, dropout: 0 } as const;
  const whole = await finished({ ...settings, steps: 12 });
  const half = await finished({ ...settings, steps: 8 });
  const before = [weights(half), losses(half)];
  expect(await b.api.runs.canExtend({ id: half.id })).toBe(true);

  const made = await b.api.runs.extend({ id: half.id, steps: 4 });
  const longer = await b.services.runs.finished(made.id);
  expect(longer).toMatchObject({
    status: 'completed',
    parentRunId: half.id,
    started: { resumedFrom: 8, totalSteps: 12 },
    result: { steps: 12, initialValLoss: whole.result!.initialValLoss, valLoss: whole.result!.valLoss },
  });
  expect(weights(longer)).toEqual(weights(whole));
  expect(losses(longer)).toEqual(losses(whole));
  expect([weights(half), losses(half)]).toEqual(before);
});

it('keeps the best values of before where none is better, and goes on after an early end', async () => {
  b = openBench();
  // So high a rate spoils what the first steps have learnt.
  const run = await finished({ steps: 40, evalEvery: 1, lr: 0.5, schedule: 'constant', keepBest: true, patience: 1 });
  expect(run.result!.stoppedEarly).toBe(true);
  const { best, steps } = run.result!;
  const made = await b.api.runs.extend({ id: run.id, steps: 2 });
  const longer = await b.services.runs.finished(made.id);
  expect(longer.result).toMatchObject({ steps: steps + 2, stoppedEarly: false });
  if (longer.result!.best!.step === best!.step) expect(weights(longer)).toEqual(weights(run));
  else expect(longer.result!.best!.valLoss).toBeLessThan(best!.valLoss);
});

it('says what cannot be trained further', async () => {
  b = openBench();
  const run = await finished({ steps: 2 });
  fs.rmSync(endStateFile(run.spec.runDir));
  expect(await b.api.runs.canExtend({ id: run.id })).toBe(false);
  await expect(b.api.runs.extend({ id: run.id, steps: 2 })).rejects.toThrow(/has not kept the state of its end/);
});
