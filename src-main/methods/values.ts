/** Trained values between the device and files. */
import * as tf from '@tensorflow/tfjs-core';
import type { GraftAdapterInfo } from '../adapters/graftInfo.ts';
import type { NamedTensor, NamedTensors } from '../adapters/files.ts';
import { writeOwnAdapter } from '../adapters/ownFormat.ts';
import { parameterShape, piecesOf, type Parameter } from '../engine/model/parameters.ts';
import type { WrittenFile } from '../safetensors/write.ts';
import type { Adapter } from './adapter.ts';

/** Of the whole, be it in pieces or not; none is packed. */
export async function valueOf(parameter: Parameter): Promise<NamedTensor> {
  const [first, ...others] = await Promise.all(piecesOf(parameter).map(({ value }) => value.data<'float32'>()));
  if (!first) throw new Error(`${parameter.name} has no values`);
  return { shape: parameterShape(parameter), data: others.length === 0 ? first : joined([first, ...others]) };
}

function joined(parts: Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export async function valuesOf(parameters: Parameter[]): Promise<NamedTensors> {
  const entries = parameters.map(async (parameter) => [parameter.name, await valueOf(parameter)] as const);
  return new Map(await Promise.all(entries));
}

export function parametersOf(tensors: NamedTensors): Parameter[] {
  return [...tensors].map(([name, { shape, data }]) => ({ name, value: tf.tensor(data, shape) }));
}

/** In Graft's own format, under the parameters' own names. Throws as writeAdapterFile. */
export async function saveOwn(dir: string, adapter: Adapter, graft: GraftAdapterInfo): Promise<WrittenFile> {
  return writeOwnAdapter(dir, await valuesOf(adapter.parameters()), graft);
}
