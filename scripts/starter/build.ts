/**
 * Makes the starter folder: text, tokenizer, random weights, full fine-tuning, sample datasets. Everything follows from
 * the constants here; nothing is read but this repository's code.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { loadTokenizer } from '../../src-main/datasets/tokenizer.ts';
import { writeFolderAtomic } from '../../src-main/files/writeWhole.ts';
import { CallControl } from '../../src-main/worker/control.ts';
import { runSpecSchema } from '../../src-shared/runSpec.ts';
import type { BackendName } from '../../src-shared/backends.ts';
import type { TrainEvent, TrainResult } from '../../src-shared/training.ts';
import { train } from '../../src-main/worker/train/train.ts';
import { trainMerges } from './bpe.ts';
import { writeRandomModel } from './init.ts';
import { readmeText } from './readme.ts';
import { jsonLines, taskSamples, TASKS } from './samples.ts';
import { textRows } from './text.ts';

export const SEED = 2;
/** Learnt from text of its own, as the length of the training rows is counted in tokens. */
const TOKENIZER = { merges: 384, rows: 1500, maxCharacters: 400 };
export const ROW_TOKENS = 96;
export const SAMPLES_PER_TASK = 400;
export const DEFAULT_STEPS = 2500;

export interface StarterOptions {
  /** Gets `model/` and `data/`, which are replaced. */
  outDir: string;
  steps: number;
  engine: BackendName;
  /** Rows of text to train on. */
  rows?: number;
  emit?: (event: TrainEvent) => void;
}

/** Writes `outDir/model` and `outDir/data`. Throws what training and writing throw; the old folders stay then. */
export async function makeStarter({
  outDir,
  steps,
  engine,
  rows = 6000,
  emit = () => undefined,
}: StarterOptions): Promise<TrainResult> {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-starter-'));
  try {
    const random = path.join(work, 'random');
    fs.mkdirSync(random);
    await writeRandomModel(random, starterMerges(), SEED);
    const file = path.join(work, 'text.jsonl');
    fs.writeFileSync(file, jsonLines(trainingRows(random, rows)));
    const spec = trainingSpec(random, file, { steps, engine, work });
    const result = await train(spec, false, emit, new CallControl());
    fs.writeFileSync(path.join(result.outDir, 'README.md'), readmeText(result, spec, rows));
    await writeFolderAtomic(path.join(outDir, 'model'), (dir) => fs.cpSync(result.outDir, dir, { recursive: true }), {
      replace: true,
    });
    await writeFolderAtomic(path.join(outDir, 'data'), writeSamples, { replace: true });
    return result;
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

export function starterMerges(): ReturnType<typeof trainMerges> {
  return trainMerges(
    textRows(SEED + 1, TOKENIZER.rows, TOKENIZER.maxCharacters, (text) => text.length),
    TOKENIZER.merges,
  );
}

/** Rows that fill ROW_TOKENS with BOS and EOS, as the tokenizer in `modelDir` counts. */
function trainingRows(modelDir: string, count: number): { text: string }[] {
  const tokenizer = loadTokenizer(modelDir);
  return textRows(SEED, count, ROW_TOKENS - 1, (text) => tokenizer.encode(text).length).map((text) => ({ text }));
}

/** Writes `<task>.jsonl` for each task into the existing folder `dir`. */
export function writeSamples(dir: string): void {
  for (const task of TASKS)
    fs.writeFileSync(path.join(dir, `${task}.jsonl`), jsonLines(taskSamples(task, SEED, SAMPLES_PER_TASK)));
}

function trainingSpec(
  modelDir: string,
  file: string,
  { steps, engine, work }: { steps: number; engine: BackendName; work: string },
) {
  const base = openBaseModel(modelDir);
  base.close();
  return runSpecSchema.parse({
    runId: 'starter',
    engine,
    model: { dir: modelDir, hash: base.hash },
    data: { file, lossOn: 'all', maxLength: ROW_TOKENS },
    task: 'starter',
    method: { type: 'full' },
    train: {
      steps,
      batch: 12,
      lr: 4e-3,
      schedule: 'cosine',
      warmup: 0.05,
      weightDecay: 0.01,
      beta2: 0.98,
      val: 0.03,
      seed: SEED,
      evalEvery: 500,
      checkpointEvery: 0,
    },
    runDir: work,
    outDir: path.join(work, 'trained'),
  });
}
