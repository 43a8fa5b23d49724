/**
 * The state of a run, one file in its folder: trained values, optimiser moments and progress. It is replaced by one
 * rename, so that a kill at any moment leaves the old state or the new one. Order of rows and dropout are functions of
 * (seed, step), so the step number is their whole state. Values that are not finite never replace a good state.
 */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { parseJson } from '../../files/parseJson.ts';
import { openSafetensors, readTensorF32 } from '../../safetensors/read.ts';
import { castF32 } from '../../safetensors/dtype.ts';
import { writeSafetensors, type TensorEntry } from '../../safetensors/write.ts';
import { systemErrorAbout } from '../../files/systemError.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { firstNotFinite } from '../../engine/train/finite.ts';
import { replaceValue, type Parameter } from '../../engine/model/parameters.ts';
import type { AdamW } from '../../engine/optim/adamw.ts';
import { runStateFile } from '../../runfolder/layout.ts';

export interface Progress {
  /** Optimiser steps done, those that were skipped included. */
  step: number;
  /** Steps skipped because loss or gradient norm was not finite, and how many of them came last, in a row. */
  skippedSteps: number;
  badSteps: number;
  /** Parts that each micro-batch is cut into, since it did not fit into memory whole. */
  splits: number;
  /** The evaluation of trained values with the lowest loss, and how many have come since without enough of a gain. */
  best: { step: number; valLoss: number } | null;
  evaluationsWithoutGain: number;
  /** The evaluation that is due after this step has not been made, or not to its end. */
  evaluationDue: boolean;
  firstLoss: number;
  lastLoss: number;
  /** Null without validation rows. */
  initialValLoss: number | null;
  valLoss: number | null;
  /** Loss of each of the first held-out rows before the first step; null in runs of before. */
  heldOutLosses: number[] | null;
  /** Non-padding tokens trained on, and the time that took. */
  tokens: number;
  trainingMs: number;
  peakMemoryBytes: number;
  /** Of the trained values before the first step; null where the whole model is trained, or by a run of before. */
  startDigest: string | null;
}

const FORMAT = '1';

export function newProgress(): Progress {
  return {
    step: 0,
    skippedSteps: 0,
    badSteps: 0,
    splits: 1,
    best: null,
    evaluationsWithoutGain: 0,
    evaluationDue: true,
    firstLoss: NaN,
    lastLoss: NaN,
    initialValLoss: null,
    valLoss: null,
    heldOutLosses: null,
    tokens: 0,
    trainingMs: 0,
    peakMemoryBytes: 0,
    startDigest: null,
  };
}

/**
 * Returns the name of a tensor that is not finite, in which case nothing was written and the state before stays; else
 * null.
 */
export async function saveRunState(
  runDir: string,
  parameters: Parameter[],
  optimizer: AdamW,
  progress: Progress,
): Promise<string | null> {
  const moments = optimizer.moments();
  const slots = [...parameters, ...moments];
  const values = await Promise.all(slots.map(({ value }) => value.data()));
  tf.dispose(moments.map(({ value }) => value));
  const bad = slots.find((_, i) => firstNotFinite(values[i] as Float32Array) >= 0);
  if (bad) return bad.name;
  const entries = slots.map(({ name, value }, i): TensorEntry => ({
    name,
    dtype: 'F32',
    shape: value.shape,
    data: () => castF32(values[i] as Float32Array, 'F32'),
  }));
  const file = runStateFile(runDir);
  try {
    await writeSafetensors(file, entries, { format: FORMAT, progress: JSON.stringify(progress) });
  } catch (error) {
    throw systemErrorAbout(error, file);
  }
  return null;
}

/**
 * Puts the state of the file `source` back into `parameters` and `optimizer`. Throws NOT_RESUMABLE when there is none
 * or it does not fit.
 */
export function loadRunState(source: string, parameters: Parameter[], optimizer: AdamW): Progress {
  if (!fs.existsSync(source))
    throw new GraftError(
      'NOT_RESUMABLE',
      `There is no checkpoint in ${path.dirname(source)} to go on from; start the run again.`,
      { file: source },
    );
  const file = openSafetensors(source);
  try {
    const misfit = (what: string): GraftError =>
      new GraftError(
        'NOT_RESUMABLE',
        `The checkpoint ${source} does not belong to this run (${what}); start the run again.`,
        { file: source },
      );
    const { format, progress } = file.metadata;
    if (format !== FORMAT || progress === undefined) throw misfit('another format');
    const read = (name: string, shape: number[]): tf.Tensor => {
      const info = file.tensors.get(name);
      if (!info || info.shape.join() !== shape.join()) throw misfit(`tensor ${name}`);
      return tf.tensor(readTensorF32(info), shape, 'float32');
    };
    for (const parameter of parameters) replaceValue(parameter, read(parameter.name, parameter.value.shape));
    optimizer.restoreMoments(read);
    const told = parseJson(progress);
    if ('problem' in told) throw misfit(`its progress ${told.problem}`);
    const restored = { ...newProgress(), evaluationDue: false, ...(told.value as Partial<Progress>) };
    optimizer.t = restored.step - restored.skippedSteps;
    return restored;
  } finally {
    file.close();
  }
}
