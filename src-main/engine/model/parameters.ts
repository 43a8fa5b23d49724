/** Named slots for tensors: the model reads `value`, an optimiser replaces it. Whoever made a slot disposes it. */
import type * as tf from '@tensorflow/tfjs-core';
import type { BaseDtype } from '../../../src-shared/baseDtypes.ts';
import { release } from '../backends/takenOver.ts';
import type { PackedFormat } from '../packed/formats.ts';

export interface Parameter {
  readonly name: string;
  /** Throws where the matrix is in pieces: each of them has its own. */
  value: tf.Tensor;
  /** Present where `value` holds the words of a packed matrix (packed/packMatrix.ts) of this shape. */
  readonly packed?: { format: PackedFormat; shape: [number, number] };
  /** The matrix's rows, some in each, in their order, where one buffer cannot hold them all (weightLayout.ts). */
  readonly pieces?: readonly Parameter[];
}

/** One matrix of several, whose rows follow each other. All are packed in the same format, or none is. */
export function inPieces(name: string, pieces: readonly Parameter[]): Parameter {
  return {
    name,
    pieces,
    get value(): tf.Tensor {
      throw new Error(`${name} is in ${pieces.length} pieces and has no value of its own`);
    },
    set value(_next) {
      throw new Error(`${name} is in ${pieces.length} pieces and has no value of its own`);
    },
  };
}

/** What holds the parameter's values: its pieces, or itself. */
export function piecesOf(parameter: Parameter): readonly Parameter[] {
  return parameter.pieces ?? [parameter];
}

/** The name of the rows from `startRow` on of a matrix in pieces, each different. */
export function pieceName(name: string, startRow: number): string {
  return `${name}[${startRow}]`;
}

export function dtypeOf(parameter: Parameter): BaseDtype {
  return piecesOf(parameter)[0]?.packed?.format ?? 'f32';
}

/** The shape of the whole, packed or not, in pieces or not. */
export function parameterShape(parameter: Parameter): number[] {
  if (!parameter.pieces) return parameter.packed?.shape ?? parameter.value.shape;
  const shapes = parameter.pieces.map(parameterShape);
  return [shapes.reduce((sum, [rows = 0]) => sum + rows, 0), ...(shapes[0]?.slice(1) ?? [])];
}

/** Puts `next` into the slot and frees what was there. */
export function replaceValue(parameter: Parameter, next: tf.Tensor): void {
  release(parameter.value);
  parameter.value = next;
}

export function disposeParameter(parameter: Parameter): void {
  for (const { value } of piecesOf(parameter)) release(value);
}

export function countParameters(parameters: Iterable<Parameter>): number {
  let count = 0;
  for (const parameter of parameters) count += parameterShape(parameter).reduce((product, size) => product * size, 1);
  return count;
}
