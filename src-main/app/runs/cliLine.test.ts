import { expect, it } from 'vitest';
import { readArgs } from '../../hosts/cli/args.ts';
import { train } from '../../hosts/cli/train.ts';
import { readMethod } from '../../hosts/cli/methodOptions.ts';
import { readObjective } from '../../hosts/cli/objectiveOptions.ts';
import { readSettings } from '../../hosts/cli/settingOptions.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import { DATA_SETTINGS } from '../../../src-shared/settings/data.ts';
import { TRAIN_SETTINGS } from '../../../src-shared/settings/training.ts';
import { startRunSchema, type StartRun } from './input.ts';
import { cliArguments, cliLine } from './cliLine.ts';

const names = {
  model: { dir: "/models/it's here" },
  dataset: { file: '/data/a b.jsonl', format: null, map: { prompt: 'question' }, allowBadRows: true },
};

/** What the command line's own parser makes of the arguments. */
function parsedBack(run: Partial<StartRun>) {
  const checked = startRunSchema.parse({ modelId: 'm', datasetId: 'd', taskName: 't', train: {}, ...run });
  const args = readArgs(cliArguments(checked, names), train.options, []);
  return {
    checked,
    method: readMethod(args),
    objective: readObjective(args),
    train: readSettings(args, TRAIN_SETTINGS),
    data: readSettings(args, DATA_SETTINGS),
    compute: readSettings(args, COMPUTE_SETTINGS),
  };
}

it.each<Partial<StartRun>>([
  { method: { type: 'lora' } },
  {
    method: {
      type: 'lora',
      rank: 4,
      alpha: 2.5,
      targets: ['q', 'o'],
      layers: [0, 2],
      exclude: ['0.q'],
      rankPattern: { '2.q': 16 },
      alphaPattern: { o: 3 },
      rslora: true,
      dora: true,
      bias: 'all',
      loraPlusRatio: 16,
      init: 'gaussian',
      dropout: 0.1,
    },
  },
  { method: { type: 'lokr', factor: 4, exclude: ['1.v'] } },
  { method: { type: 'loha', rank: 2 } },
  { method: { type: 'full', layers: [3] } },
  { method: { type: 'bitfit' } },
  { method: { type: 'miss', rank: 6, variant: 'bat' } },
  { method: { type: 'ia3', exclude: ['0.k'] } },
  { method: { type: 'adapter', kind: 'lin', skipLayers: 1 } },
  { method: { type: 'prefix', kind: 'embedding', infixLength: 2 } },
  {
    method: { type: 'lora' },
    train: {
      epochs: 2.5,
      batch: 3,
      accumulate: 2,
      packing: true,
      lr: 1e-5,
      schedule: 'cosine',
      warmup: 0.1,
      beta1: 0.8,
      weightDecay: 0,
      clip: 0,
      seed: -3,
      val: 0.2,
      patience: 2,
      evalEvery: 7,
      keepBest: true,
      memoryLimitBytes: 300 * 2 ** 20,
    },
  },
  { method: { type: 'lora' }, data: { excludeLines: [9, 3, 4, 12, 5, 11] } },
  {
    method: { type: 'lora' },
    data: { lossOn: 'all', maxLength: 12, classify: true },
    engine: 'webgpu',
    baseDtype: 'nf4',
    embeddingDtype: 'int8',
  },
  { method: { type: 'lora' }, objective: { type: 'dpo', beta: 0.3, loss: 'ipo' } },
  { method: { type: 'lora' }, objective: { type: 'simpo', gamma: 1, labelSmoothing: 0.1 } },
  { method: { type: 'lora' }, objective: { type: 'kto', undesirableWeight: 2, referencePoint: 'zero' } },
  { method: { type: 'lora' }, train: { evalEvery: 5, samplePrompts: ['One day, Lily', '- a list'], sampleTokens: 12 } },
])('%j is parsed back', (part) => {
  const { checked, method, objective, train, data, compute } = parsedBack(part);
  expect(objective).toEqual(checked.objective);
  expect(method).toEqual(checked.method);
  expect(train).toEqual(checked.train);
  expect(data).toEqual({ ...checked.data, excludeLines: checked.data.excludeLines?.sort((a, b) => a - b) });
  expect(compute).toEqual({
    engine: checked.engine,
    baseDtype: checked.baseDtype,
    embeddingDtype: checked.embeddingDtype,
  });
});

it('lines in a row are one range', () => {
  const run = startRunSchema.parse({
    modelId: 'm',
    datasetId: 'd',
    taskName: 't',
    method: { type: 'bitfit' },
    train: {},
    data: { excludeLines: [12, 3, 4, 5, 7] },
  });
  expect(cliLine(run, names)).toContain(' --exclude-lines 3-5,7,12');
});

it('quotes what a shell would take apart', () => {
  const run = startRunSchema.parse({
    modelId: 'm',
    datasetId: 'd',
    taskName: 'my task',
    method: { type: 'bitfit' },
    train: {},
  });
  expect(cliLine(run, names)).toBe(
    `npm run graft -- train --model '/models/it'\\''s here' --data '/data/a b.jsonl' --map prompt=question ` +
      `--allow-bad-rows --task 'my task' --method bitfit`,
  );
});

it('names the target, unless it is this machine', () => {
  const line = (target?: string) =>
    cliLine(
      startRunSchema.parse({
        modelId: 'm',
        datasetId: 'd',
        taskName: 't',
        method: { type: 'lora' },
        train: {},
        target,
      }),
      names,
    );
  expect(line('the lab')).toContain(" --on 'the lab'");
  expect(line('local')).toBe(line());
});
