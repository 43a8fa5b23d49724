/** Named slots for tensors: the model reads `value`, an optimiser replaces it. Whoever made a slot disposes it. */
import type * as tf from '@tensorflow/tfjs-core';

export interface Parameter {
  readonly name: string;
  value: tf.Tensor;
}

/** Puts `next` into the slot and frees what was there. */
export function replaceValue(parameter: Parameter, next: tf.Tensor): void {
  parameter.value.dispose();
  parameter.value = next;
}

export function countParameters(parameters: Iterable<Parameter>): number {
  let count = 0;
  for (const { value } of parameters) count += value.size;
  return count;
}
