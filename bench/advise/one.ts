/** A training run of each variant on the same rows: `one.ts REQUEST` with JSON in, a line of JSON per run out. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { ADVICE_RULES } from '../../src-shared/lab.ts';
import { runSpecSchema, type RunSpec } from '../../src-shared/runSpec.ts';
import { CallControl } from '../../src-main/worker/control.ts';
import { labAdvise } from '../../src-main/worker/lab/advise.ts';
import { train } from '../../src-main/worker/train/train.ts';
import type { Variant } from './variants.ts';

export interface AdviseRequest {
  modelDir: string;
  data: string;
  /** Of a file with one row a line, from its first on, without those that are long. */
  rows: number;
  steps: number;
  batch: number;
  rank: number;
  maxLength: number;
  lr: number;
  seed: number;
  variants: Variant[];
}

export interface AdviseAnswer extends Omit<AdviseRequest, 'variants'> {
  variant: Variant;
  valLoss: number;
  trainable: number;
  seconds: number;
}

const MOST_CHARACTERS = 300;

async function answer(
  { variants: _, ...request }: AdviseRequest,
  variant: Variant,
  folder: string,
): Promise<AdviseAnswer> {
  const started = performance.now();
  const spec = specOf(request, variant, folder);
  const rule = ADVICE_RULES.find((name) => variant === `advise-${name}`);
  const method = rule ? (await labAdvise({ spec, rule }, () => undefined)).method : spec.method;
  const result = await train({ ...spec, method }, false, () => undefined, new CallControl());
  return {
    ...request,
    variant,
    valLoss: result.valLoss!,
    trainable: result.trainableParameters,
    seconds: Math.round((performance.now() - started) / 1000),
  };
}

function specOf(
  { modelDir, data, rows, steps, batch, rank, maxLength, lr, seed }: Omit<AdviseRequest, 'variants'>,
  variant: Variant,
  folder: string,
): RunSpec {
  const base = openBaseModel(modelDir);
  base.close();
  const file = path.join(folder, path.basename(data));
  const text = fs.readFileSync(data, 'utf8');
  fs.writeFileSync(file, data.endsWith('.jsonl') ? firstRows(text, rows) : text);
  const runDir = path.join(folder, 'run');
  fs.mkdirSync(runDir);
  const init = variant === 'eva' || variant === 'lora-ga' ? variant : variant === 'eva-rho2' ? 'eva' : 'kaiming';
  return runSpecSchema.parse({
    runId: 'advise',
    engine: 'tensorflow',
    model: { dir: modelDir, hash: base.hash },
    data: { file, maxLength },
    task: 'advise',
    method: { type: 'lora', rank, alpha: 2 * rank, init, ...(variant === 'eva-rho2' ? { evaRho: 2 } : {}) },
    train: { steps, batch, lr, warmup: 0.1, val: 0.1, seed, checkpointEvery: 0, evalEvery: 0 },
    runDir,
    outDir: path.join(folder, 'result'),
  });
}

function firstRows(text: string, rows: number): string {
  const short = text.split('\n').filter((line) => line.length <= MOST_CHARACTERS);
  return short.slice(0, rows).join('\n');
}

const request = JSON.parse(process.argv[2]!) as AdviseRequest;
for (const variant of request.variants) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-advise-'));
  try {
    process.stdout.write(`${JSON.stringify(await answer(request, variant, folder))}\n`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
