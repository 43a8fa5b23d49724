/**
 * Every method's whole life: trains, stops, resumes to the same values, is written, evaluated, answers prompts, and is
 * merged or says why not.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileSha256 } from '../../files/sha256.ts';
import { prepareDataset } from '../../datasets/dataset.ts';
import { splitExamples } from '../../datasets/split.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { TINY_GPT2, TINY_LLAMA } from '../../../test-support/fixtures/tinyModel.ts';
import { tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { CallControl } from '../control.ts';
import { evaluate } from '../verify/evaluate.ts';
import { mergeAndVerify } from '../verify/merge.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainResult } from '../../../src-shared/training.ts';
import { Resident } from '../serve/resident.ts';
import { train } from './train.ts';

const METHODS = {
  'LoRA with patterns, dropout and biases': {
    type: 'lora',
    targets: ['q', 'v', 'o'],
    layers: [1],
    rankPattern: { v: 3 },
    alphaPattern: { '1.q': 2 },
    dropout: 0.1,
    bias: 'all',
  },
  rsLoRA: { type: 'lora', rslora: true },
  'LoRA+': { type: 'lora', loraPlusRatio: 4 },
  PiSSA: { type: 'lora', init: 'pissa' },
  'EVA with ranks that move': { type: 'lora', rank: 2, init: 'eva', evaRho: 2 },
  'LoRA-GA': { type: 'lora', rank: 2, init: 'lora-ga' },
  DoRA: { type: 'lora', dora: true, dropout: 0.1 },
  LoHa: { type: 'loha', rank: 2 },
  LoKr: { type: 'lokr', rank: 2 },
  'full, last layer': { type: 'full', layers: [1] },
  IA3: { type: 'ia3' },
  'IA3 on parts of the last layer': { type: 'ia3', targets: ['q', 'v'], layers: [1] },
  MiSS: { type: 'miss', rank: 3 },
  'MiSS, bat': { type: 'miss', rank: 4, variant: 'bat', targets: ['q', 'o'] },
  BitFit: { type: 'bitfit' },
  'adapter layers, Houlsby': { type: 'adapter', kind: 'houlsby', bottleneck: 4 },
  'adapter layers, Lin': { type: 'adapter', kind: 'lin', bottleneck: 4, skipLayers: 1 },
  'adapter layers, Pfeiffer': { type: 'adapter', kind: 'pfeiffer', bottleneck: 4 },
  'prefix-embedding with infix': { type: 'prefix', kind: 'embedding', prefixLength: 3, infixLength: 2 },
  'prefix-layer with infix': { type: 'prefix', kind: 'layer', prefixLength: 2, infixLength: 2 },
  'prefix key-value': { type: 'prefix', kind: 'key-value', prefixLength: 4 },
} as const;

/** What only one family has, or needs to show. */
const ONLY: Record<string, string> = { BitFit: 'gpt2', 'EVA with ranks that move': 'llama', 'LoRA-GA': 'gpt2' };

type Settings = (typeof METHODS)[keyof typeof METHODS];

describe.each([
  ['llama', TINY_LLAMA],
  ['gpt2', TINY_GPT2],
] as const)('%s', (family, config) => {
  const methods = Object.entries(METHODS).filter(([name]) => (ONLY[name] ?? family) === family);
  it.each(methods)('%s', async (_, method) => {
    const spec = await tinyRun({
      method: { rank: undefined, alpha: undefined, ...method },
      config,
      train: { val: 0.4, steps: 6, lr: 2e-2 },
    });
    const whole = await run(spec);
    const resumed = await stoppedAndResumed({ ...spec, outDir: `${spec.outDir}-2` });
    expect(resumed.sha256).toBe(whole.sha256);
    expect(resumed.finalLoss).toBe(whole.finalLoss);
    expect(whole.valLoss).not.toBeCloseTo(whole.initialValLoss!, 3);
    await checkEvaluation(spec, method, whole);
    await checkAnswers(spec, method);
    if (method.type !== 'full') await checkMerge(spec, method);
  });
});

function run(spec: RunSpec, resume = false): Promise<TrainResult> {
  return train(spec, resume, () => undefined, new CallControl());
}

/** Stopped after step 3, then gone on with in a model that was loaded again. */
async function stoppedAndResumed(spec: RunSpec): Promise<TrainResult> {
  const control = new CallControl();
  const stopped = await train(
    spec,
    false,
    (event) => event.type === 'step' && event.step === 3 && control.ask('stop'),
    control,
  );
  expect(stopped).toMatchObject({ outcome: 'stopped', steps: 3 });
  return run({ ...spec, outDir: `${spec.outDir}-resumed` }, true);
}

/** What was written gives the validation loss that the run reported. */
async function checkEvaluation(spec: RunSpec, method: Settings, { valLoss }: TrainResult): Promise<void> {
  const isModel = method.type === 'full';
  const file = await validationFile(spec);
  const params = {
    engine: 'wasm',
    modelDir: isModel ? spec.outDir : spec.model.dir,
    data: { ...spec.data, file, hash: undefined },
    batch: 2,
    ...(isModel ? {} : { adapterDir: spec.outDir }),
  } as const;
  expectClose([(await evaluate(params, () => undefined)).loss], [valLoss!], { rtol: 1e-5, atol: 0 });
}

async function validationFile(spec: RunSpec): Promise<string> {
  const { examples } = await prepareDataset({ ...spec.data, tokenizer: loadTokenizer(spec.model.dir) });
  const { val } = splitExamples(examples, spec.train.val, spec.train.seed);
  const lines = fs.readFileSync(spec.data.file, 'utf8').split('\n');
  const file = path.join(spec.runDir, 'validation.jsonl');
  fs.writeFileSync(file, val.map(({ line }) => lines[line - 1]).join('\n'));
  return file;
}

/** Switched onto a resident base it answers, otherwise than the base does at these learning rates. */
async function checkAnswers(spec: RunSpec, method: Settings): Promise<void> {
  const resident = new Resident();
  await resident.load({ engine: 'wasm', modelDir: method.type === 'full' ? spec.outDir : spec.model.dir });
  const ask = (): Promise<{ text: string; tokens: number }> =>
    resident.generate({ prompt: 'row xxxx', maxNew: 12, temperature: 0 }, () => undefined, new CallControl());
  const base = await ask();
  if (method.type !== 'full') {
    await resident.attach(spec.outDir);
    expect((await ask()).tokens).toBeGreaterThan(0);
    const [alone, beside] = await resident.compare(
      { prompt: 'row xxxx', maxNew: 12, temperature: 0, adapterDirs: [null, spec.outDir] },
      () => undefined,
      new CallControl(),
    );
    expect(alone!.text).toBe(base.text);
    expect(beside!.text).toBe((await ask()).text);
    await resident.attach(null);
  }
  expect((await ask()).text).toBe(base.text);
}

/** Merging gives base + adapter (the certificate), or one sentence says why it cannot. */
async function checkMerge(spec: RunSpec, method: Settings): Promise<void> {
  const outDir = `${spec.outDir}-merged`;
  const merging = mergeAndVerify(
    { engine: 'wasm', modelDir: spec.model.dir, adapterDir: spec.outDir, outDir, dtype: 'f32' },
    () => undefined,
  );
  if (method.type === 'adapter' || method.type === 'prefix') {
    await expect(merging).rejects.toMatchObject({
      code: 'NOT_MERGEABLE',
      message: expect.stringMatching(/^[^.]+\.$/) as string,
    });
    expect(fs.existsSync(outDir)).toBe(false);
    return;
  }
  const { certificate } = await merging;
  expect(certificate).toMatchObject({
    passed: true,
    adapterSha256: fileSha256(path.join(spec.outDir, 'adapter_model.safetensors')),
  });
  expect(certificate.maxLogitDifference).toBeLessThan(1e-4);
}
