/** The frozen base model's weights as tensors on the current backend, under the names that the file uses. */
import * as tf from '@tensorflow/tfjs-core';
import type { BaseDtype, BaseForms } from '../../../src-shared/baseDtypes.ts';
import { mostBytesPerBinding } from '../backends/bindingLimit.ts';
import { tensorOfFilled } from '../backends/takenOver.ts';
import { packMatrix } from '../packed/packMatrix.ts';
import type { ArchitectureSpec } from './architecture.ts';
import { disposeParameter, inPieces, pieceName, type Parameter } from './parameters.ts';
import { type WeightForm, weightForm, weightLayout } from './weightLayout.ts';

/** Where weights come from: a checkpoint whose tensors have been checked against its architecture. */
export interface TensorSource {
  tensors: ReadonlyMap<string, { shape: number[] }>;
  readF32(name: string): Float32Array;
}

export type Weights = Map<string, Parameter>;

export interface LoadOptions extends BaseForms {
  /** Most bytes of a buffer; absent: what the current backend binds. */
  mostBytes?: number;
}

/**
 * Reads every weight of the model. The caller disposes them with `disposeWeights`. Throws WEIGHT_OUT_OF_RANGE for a
 * value that the base dtype cannot hold.
 */
export function loadWeights(spec: ArchitectureSpec, source: TensorSource, options: LoadOptions = {}): Weights {
  const layout = [...layoutOf(spec, source, options)];
  return new Map(layout.map(([name, form]) => [name, weightOf(name, source.readF32(name), form)]));
}

/** Form and pieces of every weight that the model keeps. */
export function layoutOf(
  spec: ArchitectureSpec,
  { tensors }: TensorSource,
  { mostBytes = mostBytesPerBinding(), ...forms }: LoadOptions,
): Map<string, WeightForm> {
  return weightLayout(spec, tensors, forms, mostBytes);
}

/** A float32 tensor that is none of the base's, in as many pieces as the current backend asks for. */
export function ownParameter(name: string, values: Float32Array, shape: number[]): Parameter {
  return weightOf(name, values, weightForm(shape, 'f32', mostBytesPerBinding()));
}

/** A weight in the form that it is kept in, on the current backend, which may go on using the memory of `values`. */
export function weightOf(name: string, values: Float32Array, form: WeightForm): Parameter {
  if (form.pieces.length > 1) return inPieces(name, partsOf(name, values, form));
  return parameterOf(name, values, form.shape, form.dtype);
}

function partsOf(name: string, values: Float32Array, { shape: [, ...others], dtype, pieces }: WeightForm): Parameter[] {
  const width = others.reduce((a, b) => a * b, 1);
  return pieces.map(({ startRow, rows }) =>
    parameterOf(
      pieceName(name, startRow),
      values.slice(startRow * width, (startRow + rows) * width),
      [rows, ...others],
      dtype,
    ),
  );
}

function parameterOf(name: string, values: Float32Array, shape: number[], dtype: BaseDtype): Parameter {
  if (dtype === 'f32') return { name, value: tensorOfFilled(values, shape) };
  const [R, C] = shape as [number, number];
  const { words } = packMatrix(name, values, R, C, dtype);
  return { name, value: tf.tensor1d(words, 'int32'), packed: { format: dtype, shape: [R, C] } };
}

export function disposeWeights(weights: Weights): void {
  for (const parameter of weights.values()) disposeParameter(parameter);
  weights.clear();
}
