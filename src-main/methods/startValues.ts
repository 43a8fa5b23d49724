/** A method that begins with the values of an adapter that is there already, instead of values of its own. */
import * as tf from '@tensorflow/tfjs-core';
import { GraftError } from '../../src-shared/errors.ts';
import type { BaseModel } from '../basemodel/baseModel.ts';
import { replaceValue, type Parameter } from '../engine/model/parameters.ts';
import { loadStored } from './adapterFolder.ts';
import { readAdapter } from './fileRegistry.ts';

/** What a run begins with. */
export interface StartsFrom {
  dir: string;
  /** Of its weights file, when the run was set up. */
  sha256: string;
}

/**
 * Puts the adapter's values into `parameters`, which must be the same ones. Throws ADAPTER_CHANGED where the folder is
 * not what it was, ADAPTER_START where it holds other tensors, and what reading it throws.
 */
export function startFromAdapter(parameters: readonly Parameter[], { dir, sha256 }: StartsFrom, base: BaseModel): void {
  const stored = readAdapter(dir);
  if (stored.sha256 !== sha256)
    throw new GraftError(
      'ADAPTER_CHANGED',
      `The adapter in ${dir}, which the run begins with, has changed since it was set up; start the run again.`,
      { dir },
    );
  const adapter = loadStored(stored, base);
  try {
    const known = new Map(adapter.parameters().map((parameter) => [parameter.name, parameter.value]));
    const missing = parameters.find(({ name, value }) => known.get(name)?.shape.join() !== value.shape.join());
    if (missing || known.size !== parameters.length)
      throw new GraftError(
        'ADAPTER_START',
        `No run can begin with the adapter in ${dir}: ${
          missing ? `its settings ask for ${missing.name}, which it has not in this shape` : 'it holds more tensors'
        }; begin without it.`,
        { dir, tensor: missing?.name },
      );
    for (const parameter of parameters) replaceValue(parameter, tf.clone(known.get(parameter.name)!));
  } finally {
    adapter.dispose();
  }
}
