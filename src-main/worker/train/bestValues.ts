/**
 * The trained values of the best evaluation, one file per step in the run's folder, written whole or not at all. The
 * file that the last run state names stays until the next one is written, so that a killed run finds the values it
 * knows of.
 */
import fs from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { castF32 } from '../../safetensors/dtype.ts';
import { openSafetensors, readTensorF32 } from '../../safetensors/read.ts';
import { writeSafetensors, type TensorEntry } from '../../safetensors/write.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { bestValuesFile } from '../../runfolder/layout.ts';
import { replaceValue, type Parameter } from '../../engine/model/parameters.ts';

export function hasBestValues(runDir: string, step: number): boolean {
  return fs.existsSync(bestValuesFile(runDir, step));
}

/** Throws DISK_FULL, NOT_ALLOWED, NOT_FOUND. */
export async function saveBestValues(runDir: string, step: number, parameters: Parameter[]): Promise<void> {
  const values = await Promise.all(parameters.map(({ value }) => value.data()));
  const entries = parameters.map(({ name, value }, i): TensorEntry => ({
    name,
    dtype: 'F32',
    shape: value.shape,
    data: () => castF32(values[i] as Float32Array, 'F32'),
  }));
  await writeSafetensors(bestValuesFile(runDir, step), entries);
}

/** Puts the values of `step` into `parameters`. Throws BEST_VALUES_LOST when they are not there. */
export function loadBestValues(runDir: string, step: number, parameters: Parameter[]): void {
  const source = bestValuesFile(runDir, step);
  if (!fs.existsSync(source))
    throw new GraftError(
      'BEST_VALUES_LOST',
      `The values of the best evaluation, ${source}, are gone; start the run again.`,
      { file: source },
    );
  const file = openSafetensors(source);
  try {
    for (const parameter of parameters) {
      const info = file.tensors.get(parameter.name);
      if (!info || info.shape.join() !== parameter.value.shape.join())
        throw new GraftError(
          'BEST_VALUES_LOST',
          `${source} does not belong to this run (tensor ${parameter.name}); start the run again.`,
          { file: source },
        );
      replaceValue(parameter, tf.tensor(readTensorF32(info), info.shape, 'float32'));
    }
  } finally {
    file.close();
  }
}
