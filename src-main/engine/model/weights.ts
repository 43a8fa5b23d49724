/** The frozen base model's weights as tensors on the current backend, under the names that the file uses. */
import * as tf from '@tensorflow/tfjs-core';
import type { BaseDtype } from '../../../src-shared/baseDtypes.ts';
import type { PackedFormat } from '../packed/formats.ts';
import { packMatrix } from '../packed/packMatrix.ts';
import { type ArchitectureSpec, linearModules } from './architecture.ts';
import type { Parameter } from './parameters.ts';
import { untiedHeadName } from './tensorNames.ts';

/** Where weights come from: a checkpoint whose tensors have been checked against its architecture. */
export interface TensorSource {
  tensors: ReadonlyMap<string, { shape: number[] }>;
  readF32(name: string): Float32Array;
}

export type Weights = Map<string, Parameter>;

export interface LoadOptions {
  /** How the weights of the linear layers are kept; all others are float32. */
  baseDtype?: BaseDtype;
  /** The model will answer and be measured, but not trained. */
  forwardOnly?: boolean;
}

/**
 * Reads every weight of the model. The caller disposes them with `disposeWeights`. Throws WEIGHT_OUT_OF_RANGE for a
 * value that the base dtype cannot hold.
 */
export function loadWeights(
  spec: ArchitectureSpec,
  source: TensorSource,
  { baseDtype = 'f32', forwardOnly = false }: LoadOptions = {},
): Weights {
  const weights: Weights = new Map();
  // libtensorflow takes twice as long for x·W^T as for x·W. Training needs both, one way or the other.
  const turn = forwardOnly && spec.layout === 'out_in' && tf.getBackend() === 'tensorflow';
  const linear = new Set(linearModules(spec).map(({ weight }) => weight));
  for (const [name, { shape }] of source.tensors) {
    if (spec.tiedHead && name === untiedHeadName(spec)) continue; // some files hold the embedding a second time
    const values = source.readF32(name);
    if (!linear.has(name)) weights.set(name, { name, value: onDevice(values, shape) });
    else if (baseDtype !== 'f32')
      weights.set(name, packedParameter(name, values, shape as [number, number], baseDtype));
    else
      weights.set(
        name,
        turn
          ? { name, value: transposeOf(onDevice(values, shape)), turned: true }
          : { name, value: onDevice(values, shape) },
      );
  }
  return weights;
}

function packedParameter(name: string, values: Float32Array, shape: [number, number], format: PackedFormat): Parameter {
  const { words } = packMatrix(name, values, ...shape, format);
  return { name, value: tf.tensor1d(words, 'int32'), packed: { format, shape } };
}

function transposeOf(w: tf.Tensor): tf.Tensor {
  const turned = tf.transpose(w);
  w.dispose();
  return turned;
}

/**
 * The TensorFlow backend takes values over only when an op first needs them, and holds on to the JavaScript array until
 * then. A slice of everything makes it do so now: libtensorflow uses the array's own memory where its alignment allows,
 * else it copies, and the array becomes garbage one tensor at a time.
 */
function onDevice(values: Float32Array, shape: number[]): tf.Tensor {
  const lazy = tf.tensor(values, shape, 'float32');
  if (tf.getBackend() !== 'tensorflow') return lazy;
  const eager = tf.slice(
    lazy,
    shape.map(() => 0),
    shape,
  );
  lazy.dispose();
  return eager;
}

export function disposeWeights(weights: Weights): void {
  for (const { value } of weights.values()) value.dispose();
  weights.clear();
}
