/** Graft's side of the training cases: a model with a method attached, stepped and saved as the trainer does it. */
import fs from 'node:fs';
import type * as tf from '@tensorflow/tfjs-core';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { castF32 } from '../../src-main/safetensors/dtype.ts';
import { writeSafetensors } from '../../src-main/safetensors/write.ts';
import { collate } from '../../src-main/datasets/batches.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import { countParameters } from '../../src-main/engine/model/parameters.ts';
import { AdamW } from '../../src-main/engine/optim/adamw.ts';
import { trainStep, type StepResult } from '../../src-main/engine/train/step.ts';
import { loadDecoder } from '../../src-main/worker/loadDecoder.ts';
import { attachMethod, type AttachedMethod } from '../../src-main/methods/attach.ts';
import { baseFormsOf } from '../../src-shared/baseDtypes.ts';
import { runSpecSchema, type RunSpec } from '../../src-shared/runSpec.ts';
import { runStateFile } from '../../src-main/runfolder/layout.ts';
import { newProgress, saveRunState } from '../../src-main/worker/train/state.ts';
import { keepTuning } from '../../src-main/worker/tuning.ts';
import type { Example, GraftSetup, SavedAnswer } from './protocol.ts';

export class GraftTraining {
  private readonly model: Decoder;
  private readonly method: AttachedMethod;
  private readonly optimizer: AdamW;
  private readonly run: RunSpec;

  /** Loads onto the current engine. */
  static async of(setup: GraftSetup, seed: number): Promise<GraftTraining> {
    const base = openBaseModel(setup.modelDir); // stays open: a whole model is saved beside it
    const run = runSpecOf(setup, base.hash, seed);
    const model = await loadDecoder(base, { ...baseFormsOf(run), cache: null });
    return new GraftTraining(run, await attachMethod(model, run, base));
  }

  private constructor(run: RunSpec, method: AttachedMethod) {
    this.run = run;
    this.model = method.model;
    this.method = method;
    this.optimizer = new AdamW(method.parameters, run.train);
  }

  get trainable(): number {
    return countParameters(this.method.parameters);
  }

  /** Its own batching, then one optimiser step. */
  async step(examples: Example[]): Promise<StepResult> {
    await keepTuning(); // of what the step before used for the first time
    const rows = examples.map(({ ids, labels }) => ({ ids: Int32Array.from(ids), labels: Int32Array.from(labels) }));
    const batch = collate(rows, [...rows.keys()], 0);
    return trainStep(this.model, this.method.parameters, this.optimizer, [batch], this.run.train);
  }

  /** The values before any step, for the rivals. */
  async writeValues(file: string): Promise<void> {
    const values = await Promise.all(
      this.method.parameters.map(async ({ name, value }) => ({ name, shape: value.shape, data: await floats(value) })),
    );
    await writeSafetensors(
      file,
      values.map(({ name, shape, data }) => ({ name, shape, dtype: 'F32', data: () => castF32(data, 'F32') })),
    );
  }

  /** Writes the result and the file to resume from, measures both, removes both. */
  async save(): Promise<SavedAnswer> {
    const { runDir, outDir } = this.run;
    fs.mkdirSync(runDir, { recursive: true });
    try {
      const { sizeBytes } = await this.method.save();
      await saveRunState(runDir, this.method.parameters, this.optimizer, newProgress());
      return { resultBytes: sizeBytes, resumeBytes: fs.statSync(runStateFile(runDir)).size };
    } finally {
      for (const dir of [runDir, outDir]) fs.rmSync(dir, { recursive: true, force: true });
    }
  }
}

function runSpecOf(
  { modelDir, base, embedding, method, recompute, targets, rank, alpha, train }: GraftSetup,
  hash: string,
  seed: number,
): RunSpec {
  const name = `run-${process.pid}`;
  return runSpecSchema.parse({
    runId: 'bench',
    model: { dir: modelDir, hash },
    baseDtype: method === 'full' ? 'f32' : base,
    embeddingDtype: method === 'full' ? 'f32' : embedding,
    data: { file: '' },
    task: 'bench',
    method: method === 'full' ? { type: 'full' } : { type: 'lora', targets, rank, alpha },
    train: { ...train, warmup: 0, seed, gradientCheckpointing: recompute },
    runDir: name,
    outDir: `${name}-result`,
  });
}

async function floats(value: tf.Tensor): Promise<Float32Array> {
  return (await value.data()) as Float32Array;
}
