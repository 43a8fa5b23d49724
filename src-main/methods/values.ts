/** Trained values between the device and files. */
import * as tf from '@tensorflow/tfjs-core';
import type { GraftAdapterInfo } from '../adapters/graftInfo.ts';
import type { NamedTensor, NamedTensors } from '../adapters/files.ts';
import { writeOwnAdapter } from '../adapters/ownFormat.ts';
import type { Parameter } from '../engine/model/parameters.ts';
import type { WrittenFile } from '../safetensors/write.ts';
import type { Adapter } from './adapter.ts';

export async function valueOf({ value }: Parameter): Promise<NamedTensor> {
  return { shape: value.shape, data: (await value.data()) as Float32Array };
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
