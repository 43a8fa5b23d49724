/** Runs that learn from choices, from file to adapter: what they learn; pauses, batches and files change nothing. */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { StepMetrics, TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import { pairedRows } from '../../datasets/choices.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { prepareTokens } from '../../datasets/tokens/preparedTokens.ts';
import { referenceFile } from '../../runfolder/layout.ts';
import { useBackend } from '../backend.ts';
import { CallControl } from '../control.ts';
import { inspectStep } from './inspectStep.ts';
import { train } from './train.ts';

beforeAll(async () => void (await useBackend('wasm')));

/** The better answer goes on with the letter of the question. */
const PAIRS = Array.from({ length: 24 }, (_, i) => {
  const letter = 'abcdef'[i % 6]!;
  return JSON.stringify({
    prompt: `${letter.repeat(2 + (i % 3))}:`,
    chosen: ` ${letter.repeat(1 + (i % 4))}`,
    rejected: ` ${'zyx'[i % 3]!.repeat(1 + (i % 2))}`,
  });
});
const MARKED = PAIRS.flatMap((row) => {
  const { prompt, chosen, rejected } = JSON.parse(row) as Record<'prompt' | 'chosen' | 'rejected', string>;
  return [
    JSON.stringify({ prompt, completion: chosen, label: true }),
    JSON.stringify({ prompt, completion: rejected, label: false }),
  ];
});

const run = (objective: object, { rows = PAIRS, method = {}, ...settings }: Overrides = {}): Promise<RunSpec> =>
  tinyRun({
    rows,
    objective,
    method: { targets: ['q', 'k', 'v', 'o', 'up', 'down'], rank: 4, alpha: 8, ...method },
    train: { steps: 40, batch: 4, lr: 1e-2, evalEvery: 20, ...settings },
  });
type Overrides = { rows?: string[]; method?: object; [setting: string]: unknown };

interface Seen {
  result: TrainResult;
  steps: StepMetrics[];
  evals: Extract<TrainEvent, { type: 'eval' }>[];
}

/** Asks for `action` when step `at` has been taken. */
async function trained(
  spec: RunSpec,
  { resume = false, at, action = 'pause' }: { resume?: boolean; at?: number; action?: 'pause' | 'stop' } = {},
): Promise<Seen> {
  const control = new CallControl();
  const steps: StepMetrics[] = [];
  const evals: Seen['evals'] = [];
  const result = await train(
    spec,
    resume,
    (event) => {
      if (event.type === 'eval') evals.push(event);
      if (event.type !== 'step') return;
      steps.push(event);
      if (event.step === at) control.ask(action);
    },
    control,
  );
  return { result, steps, evals };
}

it.each([
  // At the start the model is its own reference, so that every difference is 0.
  ['dpo', { type: 'dpo', beta: 1 }, Math.log(2)],
  ['dpo, a tenth flipped', { type: 'dpo', beta: 1, labelSmoothing: 0.1 }, Math.log(2)],
  ['ipo', { type: 'dpo', loss: 'ipo', beta: 0.5 }, 1],
  ['kto of pairs', { type: 'kto', beta: 1 }, 0.5],
  ['kto from zero', { type: 'kto', beta: 1, referencePoint: 'zero' }, 0.5],
])('%s begins where its formula says and learns which answer is better', async (_, objective, start) => {
  const { steps, evals, result } = await trained(await run(objective));
  expect(steps[0]!.loss).toBeCloseTo(start, 4);
  expect(steps[0]!.preference).toMatchObject({
    chosenReward: expect.closeTo(0, 4) as number,
    rejectedReward: expect.closeTo(0, 4) as number,
  });
  expect(evals[0]!.valLoss).toBeCloseTo(start, 4);
  expect(evals.at(-1)!.preference).toBeDefined();
  const last = steps.at(-1)!;
  expect(last.loss).toBeLessThan(0.6 * start);
  expect(last.preference!.accuracy).toBe(1);
  expect(last.preference!.margin).toBeGreaterThan(0.3);
  expect(result.finalLoss).toBe(last.loss);
});

it.each([
  ['orpo', { type: 'orpo', lambda: 1 }],
  ['orpo on all tokens', { type: 'orpo', lambda: 1, lossOn: 'all' }],
  ['simpo', { type: 'simpo' }],
])('%s learns which answer is better, without a reference', async (_, objective) => {
  const spec = await run(objective);
  const { steps } = await trained(spec);
  expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss);
  expect(steps.at(-1)!.preference!.accuracy).toBe(1);
  expect(fs.existsSync(referenceFile(spec.runDir))).toBe(false);
});

it('kto learns from single answers that are marked', async () => {
  const { steps } = await trained(await run({ type: 'kto', beta: 1 }, { rows: MARKED }));
  expect(steps[0]!.loss).toBeCloseTo(0.5, 4);
  expect(steps.at(-1)!.loss).toBeLessThan(0.3);
  expect(steps.at(-1)!.preference).toMatchObject({ accuracy: 1, kl: expect.any(Number) as number });
});

it.each([
  ['a full fine-tune', { type: 'full' }],
  ['DoRA', { type: 'lora', dora: true }],
  ['PiSSA', { type: 'lora', init: 'pissa' }],
  ['virtual tokens', { type: 'prefix', kind: 'embedding', prefixLength: 2, infixLength: 1 }],
  ['IA3', { type: 'ia3' }],
])('%s compares with the model as it began', async (_, method) => {
  const train = { steps: 8, batch: 4, lr: 1e-2, val: 0 };
  const { steps } = await trained(await tinyRun({ rows: PAIRS, objective: { type: 'dpo', beta: 1 }, method, train }));
  expect(steps[0]!.loss).toBeCloseTo(Math.log(2), 4);
  expect(steps.at(-1)!.loss).toBeLessThan(Math.log(2));
});

function weights(dir: string): Buffer[] {
  const names = fs.readdirSync(dir).filter((name) => name.endsWith('.safetensors'));
  expect(names.length).toBeGreaterThan(0);
  return names.sort().map((name) => fs.readFileSync(path.join(dir, name)));
}

it.each([
  ['dpo', { type: 'dpo' }, { accumulate: 2, method: { dropout: 0.1 } }],
  ['kto', { type: 'kto' }, {}],
  ['orpo', { type: 'orpo', lossOn: 'all' }, { packing: true, method: { init: 'eva' } }],
])('paused and gone on with, %s ends with the bytes of a run that was not', async (_, objective, settings) => {
  const whole = await run(objective, { steps: 6, evalEvery: 2, ...settings });
  const reference = await trained(whole);
  const spec = await run(objective, { steps: 6, evalEvery: 2, ...settings });
  expect((await trained(spec, { at: 3 })).result).toMatchObject({ outcome: 'paused', steps: 3 });
  const rest = await trained(spec, { resume: true });
  expect(weights(spec.outDir)).toEqual(weights(whole.outDir));
  expect(rest.result).toMatchObject({ outcome: 'completed', valLoss: reference.result.valLoss });
  expect(rest.steps.map(({ preference }) => preference)).toEqual(
    reference.steps.slice(3).map(({ preference }) => preference),
  );
});

it.each([
  ['dpo', { type: 'dpo' }],
  ['orpo', { type: 'orpo' }],
  ['kto', { type: 'kto' }],
])('%s in four micro-batches is the same as in one', async (_, objective) => {
  const one = await trained(await run(objective, { steps: 6, batch: 8 }));
  const four = await trained(await run(objective, { steps: 6, batch: 2, accumulate: 4 }));
  for (const [i, step] of one.steps.entries()) {
    expect(four.steps[i]!.loss).toBeCloseTo(step.loss, 4);
    expect(four.steps[i]!.gradNorm / step.gradNorm).toBeCloseTo(1, 3);
  }
});

it('a batch may be a single marked answer', async () => {
  const { steps } = await trained(await run({ type: 'kto' }, { rows: MARKED, steps: 3, batch: 1 }));
  expect(steps.map(({ preference }) => preference!.margin)).toEqual([null, null, null]);
});

it('recomputing blocks changes nothing, and no tensors pile up', async () => {
  const kept = await trained(await run({ type: 'dpo' }, { steps: 6 }));
  const again = await trained(await run({ type: 'dpo' }, { steps: 6, gradientCheckpointing: true }));
  expect(again.steps.map(({ loss }) => loss)).toEqual(
    kept.steps.map(({ loss }) => expect.closeTo(loss, 5) as unknown as number),
  );
  const spec = await run({ type: 'kto' }, { steps: 8, evalEvery: 2 });
  const live: number[] = [];
  await train(
    spec,
    false,
    (event) => void (event.type === 'step' && live.push(tf.memory().numTensors)),
    new CallControl(),
  );
  expect(new Set(live.slice(3)).size).toBe(1);
});

it.each([
  ['dpo', { type: 'dpo' }, PAIRS],
  ['kto', { type: 'kto' }, MARKED],
])('a look back at a step of %s gives the loss that was recorded, with both answers', async (_, objective, rows) => {
  const spec = await run(objective, { rows, steps: 5, checkpointEvery: 2 });
  const { steps } = await trained(spec);
  const seen = await inspectStep({ spec, step: 4, state: null }, () => undefined);
  expect(seen.meanLoss).toBeCloseTo(steps[3]!.loss, 4);
  expect(seen.rows).toHaveLength(4);
  for (const row of seen.rows) {
    expect(row.prompt).toMatch(/^<s>(.)\1+:$/);
    if (rows === PAIRS) {
      expect(row.completion.trim()[0]).toBe(row.prompt.at(-2));
      expect(row.rejected).toMatch(/^ [xyz]+/);
    }
  }
});

it('the reference is measured for the rows that will be seen, and read again by a run that goes on', async () => {
  const spec = await run({ type: 'dpo' }, { steps: 2, batch: 2, val: 0 });
  await trained(spec, { at: 1 });
  const before = fs.readFileSync(referenceFile(spec.runDir));
  fs.writeFileSync(referenceFile(spec.runDir), before);
  const { steps } = await trained(spec, { resume: true });
  expect(steps.map(({ step }) => step)).toEqual([2]);
  expect(fs.readFileSync(referenceFile(spec.runDir))).toEqual(before);
});

it('a run that begins with an adapter goes on from its values and compares with them', async () => {
  const config = {
    rows: PAIRS,
    train: { steps: 12, batch: 4, lr: 1e-2, val: 0.2 },
    data: { map: { completion: 'chosen' } },
  };
  const first = await tinyRun(config);
  const answers = await trained(first);
  const startsFrom = { dir: first.outDir, sha256: answers.result.sha256 };
  const again = { ...(await tinyRun({ ...config, train: { ...config.train, lr: 1e-9 } })), startsFrom };
  // What was learnt is there from the first evaluation on.
  expect((await trained(again)).evals[0]!.valLoss).toBeCloseTo(answers.evals.at(-1)!.valLoss, 5);

  const spec = {
    ...(await run({ type: 'dpo', beta: 1 }, { steps: 10, method: { targets: undefined, rank: 2, alpha: 4 } })),
    startsFrom,
  };
  const { steps } = await trained(spec);
  expect(steps[0]!.loss).toBeCloseTo(Math.log(2), 4);
  expect(steps.at(-1)!.loss).toBeLessThan(0.6);
  const plain = await trained(
    await run({ type: 'dpo', beta: 1 }, { steps: 1, method: { targets: undefined, rank: 2, alpha: 4 } }),
  );
  expect(steps[0]!.gradNorm).not.toBeCloseTo(plain.steps[0]!.gradNorm, 3);

  const other = { ...spec, startsFrom: { ...startsFrom, sha256: '0' } };
  await expect(trained(other)).rejects.toMatchObject({ code: 'ADAPTER_CHANGED' });
  const wider = { ...(await run({ type: 'dpo' }, { method: { rank: 3 } })), startsFrom };
  await expect(trained(wider)).rejects.toMatchObject({ code: 'ADAPTER_START' });
});

it('a run that is stopped before its first step still says what its held-out rows come to', async () => {
  const spec = await run({ type: 'dpo' }, { steps: 50 });
  const control = new CallControl();
  const evals: TrainEvent[] = [];
  const result = await train(
    spec,
    false,
    (event) => {
      if (event.type === 'loading' && event.work === 'reference') control.ask('stop');
      if (event.type === 'step') control.ask('stop');
      if (event.type === 'eval') evals.push(event);
    },
    control,
  );
  expect(result.outcome).toBe('stopped');
  for (const event of evals) expect((event as { valLoss: number }).valLoss).toBeGreaterThan(0);
});

it('pairs of a large file are those of a small one', async () => {
  const dir = temporaryFolder();
  await writeTinyModel(dir);
  const file = path.join(dir, 'pairs.jsonl');
  fs.writeFileSync(file, [...PAIRS, JSON.stringify({ prompt: 'a', chosen: 'b', rejected: 'b' })].join('\n'));
  const tokenizer = loadTokenizer(dir);
  const options = { file, modelDir: dir, tokenizer, maxLength: 64, answers: 'pairs' } as const;
  const [small, large] = [await prepareTokens(options), await prepareTokens(options, { inMemoryBytes: 0 })];
  expect(large.bad).toEqual(small.bad);
  expect(small.bad).toMatchObject([{ line: 25, reason: expect.stringContaining('the same') as string }]);
  const [a, b] = [small, large].map(({ examples }) => pairedRows(examples, tokenizer));
  expect(a!.length).toBe(24);
  const all = (rows: typeof a) => Array.from({ length: rows!.length }, (_, i) => rows!.at(i));
  expect(all(b)).toEqual(all(a));
  expect(b!.facts).toEqual(a!.facts);
  expect(a!.facts.tokens![0]).toBe(a!.at(0)!.ids.length + a!.at(0)!.rejected!.ids.length);
  large.close();
});

it.each([
  [{ type: 'dpo' }, MARKED, {}, /no pair of answers/],
  [{ type: 'kto' }, [JSON.stringify({ prompt: 'a', completion: 'b' })], {}, /no mark that says/],
  [{ type: 'dpo' }, PAIRS, { labelSmoothing: 0.1 }, /knows no label smoothing/],
])('%j does not begin on rows or settings that do not suit', async (objective, rows, settings, sentence) => {
  await expect(trained(await run(objective, { rows, ...settings }))).rejects.toThrow(sentence);
});

it('pairs are not learnt as answers without a word, nor bad answers as good ones', async () => {
  await expect(trained(await tinyRun({ rows: PAIRS }))).rejects.toMatchObject({ code: 'DATASET_PAIRS' });
  const said: string[] = [];
  await train(
    await tinyRun({ rows: MARKED, train: { steps: 1 } }),
    false,
    (event) => void (event.type === 'log' && said.push(event.message)),
    new CallControl(),
  );
  expect(said.join(' ')).toMatch(/24 bad rows .*the answer is a bad one/);
});
