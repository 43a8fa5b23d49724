/** A pause is exact whatever is trained: paused and gone on with, a run ends with the bytes of one that was not. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { loadAdapter } from '../../methods/adapterFolder.ts';
import { CallControl } from '../control.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import { train } from './train.ts';

/** Asks for `action` when step `at` has been taken. */
function run(spec: RunSpec, resume = false, at?: number, action: 'pause' | 'stop' = 'pause'): Promise<TrainResult> {
  const control = new CallControl();
  return train(
    spec,
    resume,
    (event) => void (event.type === 'step' && event.step === at && control.ask(action)),
    control,
  );
}

/** Of every file of weights in the folder. */
function weights(dir: string): Buffer[] {
  const names = fs
    .readdirSync(dir)
    .filter((name) => name.endsWith('.safetensors'))
    .sort();
  expect(names.length).toBeGreaterThan(0);
  return names.map((name) => fs.readFileSync(path.join(dir, name)));
}

const TRAIN = { steps: 6, evalEvery: 2, checkpointEvery: 0 };

it.each([
  ['pissa', { type: 'lora', init: 'pissa', rank: 2, alpha: 4 }, {}],
  ['eva', { type: 'lora', init: 'eva', evaRho: 2, rank: 2 }, {}],
  ['lora-ga', { type: 'lora', init: 'lora-ga', rank: 2 }, {}],
  ['dora, samples', { type: 'lora', dora: true }, { samplePrompts: ['row x'], sampleTokens: 3 }],
  [
    'prefix',
    { type: 'prefix', kind: 'embedding', prefixLength: 2, infixLength: 1 },
    { samplePrompts: ['row x'], sampleTokens: 3 },
  ],
  ['full', { type: 'full' }, {}],
  ['the best values', { type: 'lora' }, { keepBest: true, lr: 0.3 }],
  ['accumulation and packing', { type: 'lora', dropout: 0.1 }, { accumulate: 2, packing: true }],
])('%s', async (_name, method, settings) => {
  const options = { method, train: { ...TRAIN, ...settings } };
  const whole = await tinyRun(options);
  const reference = await run(whole);
  const spec = await tinyRun(options);
  const half = await run(spec, false, 3);
  expect(half).toMatchObject({ outcome: 'paused', steps: 3 });
  expect(fs.existsSync(spec.outDir)).toBe(false);
  if (method.type === 'full') openBaseModel(half.outDir).close();
  else {
    const base = openBaseModel(spec.model.dir);
    loadAdapter(half.outDir, base).dispose();
    base.close();
  }
  const again = await run(spec, true, 4);
  expect(again).toMatchObject({ outcome: 'paused', steps: 4, outDir: half.outDir });
  const rest = await run(spec, true);
  expect(weights(spec.outDir)).toEqual(weights(whole.outDir));
  expect(rest).toMatchObject({ outcome: 'completed', valLoss: reference.valLoss, best: reference.best });
  expect(fs.existsSync(half.outDir)).toBe(false);
});

it.each([2, 6])(
  'an evaluation under way after step %i is put off, and made in full when the run goes on',
  async (at) => {
    const options = { train: { ...TRAIN, steps: 6, val: 0.5, patience: 5 } };
    const events = async (
      spec: RunSpec,
      resume: boolean,
      onStep: (step: number, control: CallControl) => void,
    ): Promise<{ seen: TrainEvent[]; result: TrainResult }> => {
      const seen: TrainEvent[] = [];
      const control = new CallControl();
      const result = await train(
        spec,
        resume,
        (event) => {
          seen.push(event);
          if (event.type === 'step') onStep(event.step, control);
        },
        control,
      );
      return { seen, result };
    };
    const evaluations = (seen: TrainEvent[]) =>
      seen.flatMap((event) => (event.type === 'eval' ? [[event.step, event.valLoss]] : []));
    const whole = await tinyRun(options);
    const reference = await events(whole, false, () => undefined);
    const spec = await tinyRun(options);
    // The evaluation begins right after the step's event; the wish comes in after its first batch.
    const half = await events(
      spec,
      false,
      (step, control) => void (step === at && setImmediate(() => control.ask('pause'))),
    );
    expect(half.result).toMatchObject({ outcome: 'paused', steps: at });
    expect(evaluations(half.seen)).toEqual(evaluations(reference.seen).filter(([step]) => step! < at));
    const rest = await events(spec, true, () => undefined);
    expect(rest.result).toMatchObject({ outcome: 'completed', steps: 6, valLoss: reference.result.valLoss });
    expect([...evaluations(half.seen), ...evaluations(rest.seen)]).toEqual(evaluations(reference.seen));
    expect(weights(spec.outDir)).toEqual(weights(whole.outDir));
  },
);

it('a wish to stop outweighs one to pause', async () => {
  const spec = await tinyRun({ train: TRAIN });
  const control = new CallControl();
  const result = await train(
    spec,
    false,
    (event) => {
      if (event.type !== 'step' || event.step !== 2) return;
      control.ask('pause');
      control.ask('stop');
    },
    control,
  );
  expect(result).toMatchObject({ outcome: 'stopped', steps: 2, outDir: spec.outDir });
});
