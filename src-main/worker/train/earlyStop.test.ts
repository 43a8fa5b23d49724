/** Early stopping and the best values, also when the run is cut and resumed. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { leftOf, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { CallControl } from '../control.ts';
import { evaluate } from '../verify/evaluate.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import { train } from './train.ts';
import { countEvaluation } from './validation.ts';

/** Learns by heart until the validation loss rises. */
const OVERFIT = {
  method: { targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'], rank: 4, dropout: 0.1 },
  train: { steps: 60, lr: 3e-2, schedule: 'constant', evalEvery: 4, checkpointEvery: 6, keepBest: true },
};

async function run(
  spec: RunSpec,
  { resume = false, killAt = Infinity } = {},
): Promise<{ result: TrainResult | null; events: TrainEvent[] }> {
  const events: TrainEvent[] = [];
  const emit = (event: TrainEvent): void => {
    events.push(event);
    if (event.type === 'step' && event.step === killAt) throw new Error('killed');
  };
  const result = await train(spec, resume, emit, new CallControl()).catch((error: unknown) => {
    if (killAt < Infinity) return null;
    throw error;
  });
  return { result, events };
}

const evaluations = (events: TrainEvent[]): [number, number][] =>
  events.flatMap((event): [number, number][] => (event.type === 'eval' ? [[event.step, event.valLoss]] : []));
const lowest = (list: [number, number][]): [number, number] =>
  list.filter(([step]) => step > 0).reduce((best, next) => (next[1] < best[1] ? next : best));
const bytesOf = (spec: RunSpec): Buffer => fs.readFileSync(path.join(spec.outDir, 'adapter_model.safetensors'));

it('counts an evaluation as a gain only beyond minDelta, and the lowest as the best', () => {
  const progress = {
    step: 0,
    valLoss: null as number | null,
    best: null as { step: number; valLoss: number } | null,
    evaluationsWithoutGain: 0,
  };
  const seen = [3, 2.5, 2.45, 2.44, NaN, 2.6, 2.2].map((valLoss) => {
    progress.step++;
    progress.valLoss = valLoss;
    return [countEvaluation(progress, 0.1), progress.evaluationsWithoutGain, progress.best!.step];
  });
  expect(seen).toEqual([
    [true, 0, 1],
    [true, 0, 2],
    [true, 1, 3],
    [true, 2, 4],
    [false, 3, 4],
    [false, 4, 4],
    [true, 0, 7],
  ]);
});

/** The catalogue's side removes them, once it has the result. */
const leftUntilRecorded = (best: number): unknown =>
  expect.arrayContaining([`best-${best}.safetensors`, 'checkpoint.safetensors']);

it('saves the values of the best evaluation, and a run that was cut and resumed saves the same', async () => {
  const spec = await tinyRun(OVERFIT);
  const whole = await run(spec);
  const [step, valLoss] = lowest(evaluations(whole.events));
  expect(step).toBeLessThan(60);
  expect(whole.result).toMatchObject({
    outcome: 'completed',
    steps: 60,
    best: { step, valLoss },
    valLoss,
    stoppedEarly: false,
  });
  expect(evaluations(whole.events).at(-1)![1]).toBeGreaterThan(valLoss);
  expect(leftOf(spec)).toEqual(leftUntilRecorded(step));
  // The same model, trained to that step only, is what was saved.
  const short = await tinyRun({ ...OVERFIT, train: { ...OVERFIT.train, steps: step, keepBest: false } });
  await run(short);
  expect(bytesOf(spec)).toEqual(bytesOf(short));

  // Cut right after the best evaluation, before the next state, and once more later.
  for (const killAt of [step + 1, step + 9]) {
    const cut = await tinyRun(OVERFIT);
    expect((await run(cut, { killAt })).result).toBeNull();
    const resumed = await run(cut, { resume: true });
    expect(resumed.result).toMatchObject({ best: { step, valLoss }, valLoss, sha256: whole.result!.sha256 });
    expect(leftOf(cut)).toEqual(leftUntilRecorded(step));
  }
}, 60_000);

it('ends when the validation loss has not fallen for `patience` evaluations', async () => {
  const options = { ...OVERFIT, train: { ...OVERFIT.train, steps: 200, patience: 2 } };
  const spec = await tinyRun(options);
  const { result, events } = await run(spec);
  const [step, valLoss] = lowest(evaluations(events));
  expect(result).toMatchObject({ outcome: 'completed', stoppedEarly: true, best: { step, valLoss } });
  expect(result!.steps).toBeLessThan(200);
  expect(result!.steps % 4).toBe(0);
  expect(leftOf(spec)).toEqual(leftUntilRecorded(step));
  const all = await evaluate(
    { engine: 'wasm', modelDir: spec.model.dir, data: spec.data, batch: 4, adapterDir: spec.outDir },
    () => undefined,
  );
  expect(Number.isFinite(all.loss)).toBe(true);

  const cut = await tinyRun(options);
  await run(cut, { killAt: result!.steps - 1 });
  const resumed = await run(cut, { resume: true });
  expect(resumed.result).toMatchObject({ steps: result!.steps, stoppedEarly: true, sha256: result!.sha256 });
}, 60_000);

it('says what is missing where nothing is evaluated', async () => {
  const noRows = await tinyRun({ train: { keepBest: true, val: 0 } });
  await expect(run(noRows)).rejects.toMatchObject({ code: 'NO_VALIDATION', kind: 'usage' });
  const noEvaluations = await tinyRun({ train: { patience: 2 } });
  await expect(run(noEvaluations)).rejects.toMatchObject({
    code: 'NO_VALIDATION',
    message: expect.stringMatching(/evaluations during the run/),
  });
});
