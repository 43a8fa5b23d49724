/**
 * The state of a run, one file in its folder: trained values, optimiser moments and progress. It is replaced by one
 * rename, so that a kill at any moment leaves the old state or the new one. Order of rows and dropout are functions of (seed, step), so the step number is their whole state.
 */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { openSafetensors, readTensorF32 } from '../checkpoints/safetensors.ts';
import { castF32 } from '../checkpoints/dtype.ts';
import { writeSafetensors, type TensorEntry } from '../checkpoints/safetensorsWrite.ts';
import { systemErrorAbout } from '../checkpoints/systemError.ts';
import { GraftError } from '../errors.ts';
import { replaceValue, type Parameter } from '../engine/model/parameters.ts';
import type { AdamW } from '../engine/optim/adamw.ts';
import { CHECKPOINT_FILE } from './protocol.ts';

export interface Progress {
  /** Optimiser steps done. */
  step: number;
  firstLoss: number;
  lastLoss: number;
  /** Null without validation rows. */
  initialValLoss: number | null;
  valLoss: number | null;
  /** Non-padding tokens trained on, and the time that took. */
  tokens: number;
  trainingMs: number;
  peakMemoryBytes: number;
}

const FORMAT = '1';

export async function saveRunState(runDir: string, parameters: Parameter[], optimizer: AdamW, progress: Progress): Promise<void> {
  const moments = optimizer.moments();
  const slots = [...parameters, ...moments];
  const values = await Promise.all(slots.map(({ value }) => value.data()));
  tf.dispose(moments.map(({ value }) => value));
  const entries = slots.map(({ name, value }, i): TensorEntry => ({ name, dtype: 'F32', shape: value.shape, data: () => castF32(values[i] as Float32Array, 'F32') }));
  const file = path.join(runDir, CHECKPOINT_FILE);
  try {
    await writeSafetensors(file, entries, { format: FORMAT, progress: JSON.stringify(progress) });
  } catch (error) {
    throw systemErrorAbout(error, file);
  }
}

/** Puts a saved state back into `parameters` and `optimizer`. Throws NOT_RESUMABLE when there is none or it does not fit. */
export function loadRunState(runDir: string, parameters: Parameter[], optimizer: AdamW): Progress {
  const source = path.join(runDir, CHECKPOINT_FILE);
  if (!fs.existsSync(source)) throw new GraftError('NOT_RESUMABLE', `There is no checkpoint in ${runDir} to go on from; start the run again.`, { runDir });
  const file = openSafetensors(source);
  try {
    const misfit = (what: string): GraftError =>
      new GraftError('NOT_RESUMABLE', `The checkpoint ${source} does not belong to this run (${what}); start the run again.`, { file: source });
    const { format, progress } = file.metadata;
    if (format !== FORMAT || progress === undefined) throw misfit('another format');
    const read = (name: string, shape: number[]): tf.Tensor => {
      const info = file.tensors.get(name);
      if (!info || info.shape.join() !== shape.join()) throw misfit(`tensor ${name}`);
      return tf.tensor(readTensorF32(info), shape, 'float32');
    };
    for (const parameter of parameters) replaceValue(parameter, read(parameter.name, parameter.value.shape));
    optimizer.restoreMoments(read);
    const restored = JSON.parse(progress) as Progress;
    optimizer.t = restored.step;
    return restored;
  } finally {
    file.close();
  }
}

/** A finished run needs its checkpoint no more. */
export function removeRunState(runDir: string): void {
  fs.rmSync(path.join(runDir, CHECKPOINT_FILE), { force: true });
}
