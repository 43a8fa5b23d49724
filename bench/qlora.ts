/**
 * `npm run bench -- qlora --model DIR --data FILE`: what packing the base costs in quality. Trains the same LoRA on the
 * base as it is and on the base rounded to each packed form, and compares validation losses. The rounded base is
 * written out as float32 and trained like any model, so every engine can run it: a product with packed weights is the
 * product with these values (engine/kernels/webgpu/frozenMatmul.test.ts). Time and memory are not looked at.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openBaseModel, type BaseModel } from '../src-main/basemodel/baseModel.ts';
import { rewriteBaseModel } from '../src-main/basemodel/rewrite.ts';
import { PACKED_FORMATS, type PackedFormat } from '../src-main/engine/packed/formats.ts';
import type { BaseDtype } from '../src-shared/baseDtypes.ts';
import { packMatrix, unpackMatrix } from '../src-main/engine/packed/packMatrix.ts';
import { availableTargets, linearModules } from '../src-main/engine/model/architecture.ts';
import { toErrorData, usageError } from '../src-shared/errors.ts';
import { CallControl } from '../src-main/worker/control.ts';
import { BACKENDS } from '../src-shared/backends.ts';
import { type RunSpec, runSpecSchema } from '../src-shared/runSpec.ts';
import { train } from '../src-main/worker/train/train.ts';

const USAGE =
  'npm run bench -- qlora --model DIR --data FILE [--steps 400] [--batch 8] [--lr 5e-3] [--rank 8] [--seeds ' +
  `0,1,2] [--bases f16,bf16,int8,nf4] [--engine ${BACKENDS.join('|')}]`;

type Settings = ReturnType<typeof readArguments>;

function readArguments(argv: string[]) {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args: argv,
    options: {
      model: text(''),
      data: text(''),
      steps: text('400'),
      batch: text('8'),
      lr: text('5e-3'),
      rank: text('8'),
      seeds: text('0,1,2'),
      bases: text(PACKED_FORMATS.join()),
      engine: text('tensorflow'),
    },
  });
  for (const name of ['model', 'data'] as const) {
    const given = values[name];
    if (!given) throw usageError('BENCH_INPUT', `--${name} is missing.\n${USAGE}`);
    if (!fs.existsSync(given))
      throw usageError(
        'BENCH_INPUT',
        `${path.resolve(given)} (--${name}) does not exist; give a base model's folder and a dataset file.`,
      );
  }
  const bases = PACKED_FORMATS.filter((format) => values.bases.split(',').includes(format));
  if (bases.length < values.bases.split(',').length)
    throw usageError('BENCH_INPUT', `--bases takes ${PACKED_FORMATS.join(', ')}, not ${values.bases}.`);
  return {
    ...values,
    bases,
    model: path.resolve(values.model),
    data: path.resolve(values.data),
    seeds: values.seeds.split(',').map(Number),
  };
}

/** The base with the weights of its linear layers rounded to `format`. Returns its folder. */
async function roundedBase(base: BaseModel, format: PackedFormat, outDir: string): Promise<string> {
  const linear = new Set(linearModules(base.spec).map(({ weight }) => weight));
  await rewriteBaseModel({
    base,
    outDir,
    dtype: 'f32',
    edit: ({ name, shape }) => {
      if (!linear.has(name)) return undefined;
      const [R, C] = shape as [number, number];
      const values = unpackMatrix(packMatrix(name, base.readF32(name), R, C, format));
      return (rows, startRow) => rows.set(values.subarray(startRow * C, startRow * C + rows.length));
    },
  });
  return outDir;
}

function specOf(settings: Settings, base: BaseModel, seed: number, runDir: string): RunSpec {
  const targets = availableTargets(base.spec).filter((target) => target !== 'qkv');
  const rank = Number(settings.rank);
  return runSpecSchema.parse({
    runId: 'qlora',
    engine: settings.engine,
    model: { dir: base.dir, hash: base.hash },
    data: { file: settings.data },
    task: 'qlora',
    method: { type: 'lora', rank, alpha: 2 * rank, targets },
    train: {
      steps: Number(settings.steps),
      batch: Number(settings.batch),
      lr: Number(settings.lr),
      warmup: 0,
      seed,
      checkpointEvery: 0,
    },
    runDir,
    outDir: path.join(runDir, 'adapter'),
  });
}

interface Losses {
  before: number;
  after: number;
}

async function trainOnce(settings: Settings, modelDir: string, seed: number, runDir: string): Promise<Losses> {
  fs.mkdirSync(runDir, { recursive: true });
  const base = openBaseModel(modelDir);
  base.close();
  const { initialValLoss, valLoss } = await train(
    specOf(settings, base, seed, runDir),
    false,
    () => undefined,
    new CallControl(),
  );
  return { before: initialValLoss!, after: valLoss! };
}

function rowOf(dtype: BaseDtype, runs: Losses[], reference: Losses[]): string {
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const differences = runs.map(({ after }, i) => after - reference[i]!.after);
  const signed = (value: number): string => (dtype === 'f32' ? '' : `${value < 0 ? '' : '+'}${value.toFixed(4)}`);
  const [before, after] = [mean(runs.map((r) => r.before)), mean(runs.map((r) => r.after))];
  const each = differences.map(signed).join(', ');
  const cells = [dtype, before.toFixed(4), after.toFixed(4), signed(mean(differences)), each];
  return `| ${cells.join(' | ')} |`;
}

async function main(): Promise<void> {
  const settings = readArguments(process.argv.slice(2));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-qlora-'));
  const base = openBaseModel(settings.model);
  try {
    process.stdout.write('| base | loss before | loss after | against f32 | per seed |\n|---|---|---|---|---|\n');
    let reference: Losses[] = [];
    for (const dtype of ['f32', ...settings.bases] as const) {
      const modelDir = dtype === 'f32' ? base.dir : await roundedBase(base, dtype, path.join(folder, dtype));
      const runs: Losses[] = [];
      for (const seed of settings.seeds)
        runs.push(await trainOnce(settings, modelDir, seed, path.join(folder, `${dtype}-${seed}`)));
      if (dtype === 'f32') reference = runs;
      process.stdout.write(`${rowOf(dtype, runs, reference)}\n`);
    }
  } finally {
    base.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  const { message, kind } = toErrorData(error);
  process.stderr.write(`${message}\n`);
  process.exitCode = kind === 'usage' ? 2 : 1;
}
