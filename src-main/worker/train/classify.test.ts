/** Training a classifier from file to adapter, in PEFT's form; evaluating it; and what it refuses. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { openSafetensors } from '../../safetensors/read.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { CallControl } from '../control.ts';
import { useBackend } from '../backend.ts';
import { evaluate } from '../verify/evaluate.ts';
import { labCompress } from '../lab/compress.ts';
import { mergeAndVerify } from '../verify/merge.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import { Resident } from '../serve/resident.ts';
import { train } from './train.ts';

beforeAll(async () => void (await useBackend('wasm')));

/** Whether a text holds an x, which is never its last letter. */
const ROWS = Array.from({ length: 40 }, (_, i) =>
  JSON.stringify({
    text: `${'abcd'[i % 4]!.repeat(1 + (i % 3))}${i % 2 ? 'x' : 'y'}${'efg'[i % 3]!}`,
    label: i % 2 ? 'with' : 'without',
  }),
);

const classifierRun = (): Promise<RunSpec> =>
  tinyRun({
    rows: ROWS,
    data: { classify: true },
    method: { targets: ['q', 'k', 'v', 'o', 'up', 'down'], rank: 4, alpha: 8 },
    train: { steps: 60, batch: 8, lr: 2e-2, evalEvery: 20 },
  });

async function trained(
  spec: RunSpec,
): Promise<{ result: TrainResult; evals: Extract<TrainEvent, { type: 'eval' }>[] }> {
  const evals: Extract<TrainEvent, { type: 'eval' }>[] = [];
  const result = await train(
    spec,
    false,
    (event) => void (event.type === 'eval' && evals.push(event)),
    new CallControl(),
  );
  return { result, evals };
}

it('learns to tell the labels apart, and keeps head and labels with the adapter', async () => {
  const spec = await classifierRun();
  const { result, evals } = await trained(spec);
  expect(result.firstLoss).toBeCloseTo(Math.log(2), 1);
  expect(result.finalLoss).toBeLessThan(0.1);
  expect(evals).toHaveLength(4);
  expect(evals.at(-1)!.scores).toEqual({ accuracy: 1, f1: 1, macroF1: 1 });
  const scored = await evaluate(
    { engine: 'wasm', modelDir: spec.model.dir, adapterDir: spec.outDir, data: spec.data, batch: 8 },
    () => undefined,
  );
  expect(scored).toMatchObject({
    rows: 40,
    tokens: 40,
    scores: { accuracy: 1, f1: 1, macroF1: 1, labels: ['with', 'without'] },
  });

  const config = JSON.parse(fs.readFileSync(path.join(spec.outDir, 'adapter_config.json'), 'utf8')) as object;
  expect(config).toMatchObject({ task_type: 'SEQ_CLS', modules_to_save: ['classifier', 'score'], bias: 'none' });
  const file = openSafetensors(path.join(spec.outDir, 'adapter_model.safetensors'));
  expect(file.tensors.get('base_model.model.score.weight')).toMatchObject({ shape: [2, 16] });
  file.close();
  const small = await labCompress(
    {
      engine: 'wasm',
      modelDir: spec.model.dir,
      adapterDir: spec.outDir,
      outDir: path.join(temporaryFolder(), 'small'),
      rule: { energy: 0.999 },
      datasets: [{ data: spec.data }],
    },
    () => undefined,
  );
  expect(small.losses).toEqual([
    { file: spec.data.file, before: expect.closeTo(scored.loss, 6) as number, after: expect.any(Number) as number },
  ]);
  const compressed = await evaluate(
    { engine: 'wasm', modelDir: spec.model.dir, adapterDir: small.outDir, data: spec.data, batch: 8 },
    () => undefined,
  );
  expect(compressed.scores).toEqual({ accuracy: 1, f1: 1, macroF1: 1, labels: ['with', 'without'] });
  const lines = ROWS.map((row) =>
    row.replace(/"(with|without)"/, (label) => (label === '"with"' ? '"without"' : '"with"')),
  );
  fs.writeFileSync(spec.data.file, lines.join('\n'));
  const swapped = await evaluate(
    { engine: 'wasm', modelDir: spec.model.dir, adapterDir: spec.outDir, data: spec.data, batch: 8 },
    () => undefined,
  );
  expect(swapped.scores).toEqual({ accuracy: 0, f1: 0, macroF1: 0, labels: ['with', 'without'] });
});

it('writes no text and is not merged', async () => {
  const spec = await classifierRun();
  await trained({ ...spec, train: { ...spec.train, steps: 1 } });
  const resident = new Resident();
  await resident.load({ engine: 'wasm', modelDir: spec.model.dir });
  await expect(resident.attach(spec.outDir)).rejects.toMatchObject({ code: 'ADAPTER_CLASSIFIES', kind: 'usage' });
  const merging = mergeAndVerify(
    {
      engine: 'wasm',
      modelDir: spec.model.dir,
      adapterDir: spec.outDir,
      outDir: path.join(temporaryFolder(), 'merged'),
    },
    () => undefined,
  );
  await expect(merging).rejects.toMatchObject({
    code: 'NOT_MERGEABLE',
    message: expect.stringContaining('head of its own') as string,
  });
});

it('needs a LoRA', async () => {
  const spec = await tinyRun({
    rows: ROWS,
    data: { classify: true },
    method: { type: 'prefix', kind: 'embedding', prefixLength: 2 },
  });
  await expect(trained(spec)).rejects.toMatchObject({ code: 'CLASSIFY_NEEDS_LORA', kind: 'usage' });
});
