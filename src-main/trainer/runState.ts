/**
 * The state of a run in its folder (`checkpoint/`): trained values, optimiser moments and progress, written whole or
 * not at all. Order of rows and dropout are functions of (seed, step), so the step number is their whole state.
 */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { openSafetensors, readTensorF32 } from '../checkpoints/safetensors.ts';
import { castF32 } from '../checkpoints/dtype.ts';
import { writeSafetensors, type TensorEntry } from '../checkpoints/safetensorsWrite.ts';
import { GraftError } from '../errors.ts';
import { writeFolderAtomic } from '../files.ts';
import { replaceValue, type Parameter } from '../engine/model/parameters.ts';
import type { AdamW } from '../engine/optim/adamw.ts';

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

const FORMAT = 1;
const checkpointDir = (runDir: string): string => path.join(runDir, 'checkpoint');

export async function saveRunState(runDir: string, parameters: Parameter[], optimizer: AdamW, progress: Progress): Promise<void> {
  const slots = stateSlots(parameters, optimizer);
  const values = await Promise.all(slots.map(({ value }) => value.data()));
  const entries = slots.map(({ name, value }, i): TensorEntry => ({ name, dtype: 'F32', shape: value.shape, data: () => castF32(values[i] as Float32Array, 'F32') }));
  await writeFolderAtomic(
    checkpointDir(runDir),
    async (dir) => {
      await writeSafetensors(path.join(dir, 'state.safetensors'), entries);
      fs.writeFileSync(path.join(dir, 'state.json'), JSON.stringify({ format: FORMAT, ...progress }));
    },
    { replace: true },
  );
}

/** Puts a saved state back into `parameters` and `optimizer`. Throws NOT_RESUMABLE when there is none or it does not fit. */
export function loadRunState(runDir: string, parameters: Parameter[], optimizer: AdamW): Progress {
  const dir = checkpointDir(runDir);
  if (!fs.existsSync(dir)) throw new GraftError('NOT_RESUMABLE', `There is no checkpoint in ${runDir} to go on from; start the run again.`, { runDir });
  const { format, ...progress } = JSON.parse(fs.readFileSync(path.join(dir, 'state.json'), 'utf8')) as Progress & { format: number };
  const file = openSafetensors(path.join(dir, 'state.safetensors'));
  try {
    for (const slot of stateSlots(parameters, optimizer)) {
      const info = file.tensors.get(slot.name);
      if (format !== FORMAT || !info || info.shape.join() !== slot.value.shape.join()) {
        throw new GraftError('NOT_RESUMABLE', `The checkpoint in ${dir} does not belong to this run (tensor ${slot.name}); start the run again.`, { dir, tensor: slot.name });
      }
      replaceValue(slot, tf.tensor(readTensorF32(info), info.shape, 'float32'));
    }
  } finally {
    file.close();
  }
  optimizer.t = progress.step;
  return progress;
}

/** A finished run needs its checkpoint no more. */
export function removeRunState(runDir: string): void {
  fs.rmSync(checkpointDir(runDir), { recursive: true, force: true });
}

function stateSlots(parameters: Parameter[], optimizer: AdamW): Parameter[] {
  return [...parameters, ...optimizer.moments.flatMap(({ m, v }) => [m, v])];
}
