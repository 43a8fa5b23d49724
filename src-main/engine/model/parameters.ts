/** Named slots for tensors: the model reads `value`, an optimiser replaces it. Whoever made a slot disposes it. */
import type * as tf from '@tensorflow/tfjs-core';
import type { PackedFormat } from '../packed/formats.ts';

export interface Parameter {
  readonly name: string;
  value: tf.Tensor;
  /** Present where `value` holds the words of a packed matrix (frozen/packMatrix.ts) of this shape. */
  readonly packed?: { format: PackedFormat; shape: [number, number] };
  /** Set where `value` is the transpose of the file's matrix. */
  readonly turned?: boolean;
}

/** The shape of the matrix, packed or not. */
export function parameterShape({ value, packed }: Parameter): number[] {
  return packed?.shape ?? value.shape;
}

/** Puts `next` into the slot and frees what was there. */
export function replaceValue(parameter: Parameter, next: tf.Tensor): void {
  parameter.value.dispose();
  parameter.value = next;
}

export function countParameters(parameters: Iterable<Parameter>): number {
  let count = 0;
  for (const parameter of parameters) count += parameterShape(parameter).reduce((product, size) => product * size, 1);
  return count;
}
