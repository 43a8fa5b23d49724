/**
 * `npm run bench -- qlora --model DIR --data FILE`: what packing the base costs in quality. Trains the same LoRA on the
 * base as it is, on the base with its linear layers in each packed form, with embedding and head in each, and with both
 * in the last of these; and compares validation losses. The rounded base is written out as float32 and trained like any
 * model, so every engine can run it: a product with packed weights is the product with these values
 * (engine/kernels/webgpu/frozen/matmul.test.ts). Time and memory are not looked at.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openBaseModel, type BaseModel } from '../src-main/basemodel/baseModel.ts';
import { rewriteBaseModel } from '../src-main/basemodel/rewrite.ts';
import { PACKED_FORMATS } from '../src-main/engine/packed/formats.ts';
import { EMBEDDING_DTYPES, type BaseDtype, type EmbeddingDtype } from '../src-shared/baseDtypes.ts';
import { packMatrix, unpackMatrix } from '../src-main/engine/packed/packMatrix.ts';
import { availableTargets } from '../src-main/engine/model/architecture.ts';
import { weightLayout } from '../src-main/engine/model/weightLayout.ts';
import { toErrorData, usageError } from '../src-shared/errors.ts';
import { CallControl } from '../src-main/worker/control.ts';
import { BACKENDS } from '../src-shared/backends.ts';
import { type RunSpec, runSpecSchema } from '../src-shared/runSpec.ts';
import { train } from '../src-main/worker/train/train.ts';

const USAGE =
  'npm run bench -- qlora --model DIR --data FILE [--steps 400] [--batch 8] [--lr 5e-3] [--rank 8] [--seeds ' +
  `0,1,2] [--bases f16,bf16,int8,nf4] [--embeddings f16,bf16,int8] [--engine ${BACKENDS.join('|')}]`;

const EMBEDDING_FORMATS = EMBEDDING_DTYPES.filter((dtype) => dtype !== 'f32');

/** How linear layers, and embedding and head, are kept. */
interface Form {
  base: BaseDtype;
  embedding: EmbeddingDtype;
}
const PLAIN: Form = { base: 'f32', embedding: 'f32' };

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
      embeddings: text(EMBEDDING_FORMATS.join()),
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
  const bases = chosen('bases', values.bases, PACKED_FORMATS);
  const embeddings = chosen('embeddings', values.embeddings, EMBEDDING_FORMATS);
  return {
    ...values,
    forms: formsOf(bases, embeddings),
    model: path.resolve(values.model),
    data: path.resolve(values.data),
    seeds: values.seeds.split(',').map(Number),
  };
}

/** Those of `known` that a list names, in its order; nothing where it is empty. */
function chosen<T extends string>(option: string, list: string, known: readonly T[]): T[] {
  const names = list.split(',').filter((name) => name !== '');
  const found = known.filter((name) => names.includes(name));
  if (found.length < names.length)
    throw usageError('BENCH_INPUT', `--${option} takes ${known.join(', ')}, not ${list}.`);
  return found;
}

function formsOf(bases: BaseDtype[], embeddings: EmbeddingDtype[]): Form[] {
  const [base, embedding] = [bases.at(-1), embeddings.at(-1)];
  return [
    PLAIN,
    ...bases.map((dtype): Form => ({ base: dtype, embedding: 'f32' })),
    ...embeddings.map((dtype): Form => ({ base: 'f32', embedding: dtype })),
    ...(base && embedding ? [{ base, embedding }] : []),
  ];
}

/** The base with its weights rounded to their forms. Returns its folder. */
async function roundedBase(base: BaseModel, form: Form, outDir: string): Promise<string> {
  const layout = weightLayout(
    base.spec,
    base.tensors,
    { baseDtype: form.base, embeddingDtype: form.embedding },
    Infinity,
  );
  await rewriteBaseModel({
    base,
    outDir,
    dtype: 'f32',
    edit: ({ name, shape }) => {
      const format = layout.get(name)?.dtype ?? 'f32';
      if (format === 'f32') return undefined;
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

function rowOf(form: Form, runs: Losses[], reference: Losses[]): string {
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const differences = runs.map(({ after }, i) => after - reference[i]!.after);
  const signed = (value: number): string => (form === PLAIN ? '' : `${value < 0 ? '' : '+'}${value.toFixed(4)}`);
  const [before, after] = [mean(runs.map((r) => r.before)), mean(runs.map((r) => r.after))];
  const each = differences.map(signed).join(', ');
  const cells = [form.base, form.embedding, before.toFixed(4), after.toFixed(4), signed(mean(differences)), each];
  return `| ${cells.join(' | ')} |`;
}

async function main(): Promise<void> {
  const settings = readArguments(process.argv.slice(2));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-qlora-'));
  const base = openBaseModel(settings.model);
  try {
    process.stdout.write(
      '| base | embedding, head | loss before | loss after | against f32 | per seed |\n|---|---|---|---|---|---|\n',
    );
    let reference: Losses[] = [];
    for (const form of settings.forms) {
      const name = `${form.base}-${form.embedding}`;
      const modelDir = form === PLAIN ? base.dir : await roundedBase(base, form, path.join(folder, name));
      const runs: Losses[] = [];
      for (const seed of settings.seeds)
        runs.push(await trainOnce(settings, modelDir, seed, path.join(folder, `${name}-${seed}`)));
      if (form === PLAIN) reference = runs;
      process.stdout.write(`${rowOf(form, runs, reference)}\n`);
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
