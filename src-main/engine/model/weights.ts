/** The frozen base model's weights as tensors on the current backend, under the names that the file uses. */
import * as tf from '@tensorflow/tfjs-core';
import type { BaseDtype, PackedFormat } from '../frozen/formats.ts';
import { packMatrix } from '../frozen/packMatrix.ts';
import { linearModules, type ArchitectureSpec } from './architecture.ts';
import type { Parameter } from './parameters.ts';

/** Where weights come from: a checkpoint whose tensors have been checked against its architecture. */
export interface TensorSource {
  tensors: ReadonlyMap<string, { shape: number[] }>;
  readF32(name: string): Float32Array;
}

export type Weights = Map<string, Parameter>;

export function tokenEmbeddingName(spec: ArchitectureSpec): string {
  return spec.prefix + (spec.family === 'gpt2' ? 'wte.weight' : 'embed_tokens.weight');
}

export function positionEmbeddingName(spec: ArchitectureSpec): string {
  return `${spec.prefix}wpe.weight`;
}

export function headName(spec: ArchitectureSpec): string {
  return spec.tiedHead ? tokenEmbeddingName(spec) : 'lm_head.weight';
}

/** [before attention, before MLP], each [weight] or [weight, bias]. */
export function normNames(spec: ArchitectureSpec, layer: number): [string[], string[]] {
  if (spec.family === 'gpt2') {
    const block = `${spec.prefix}h.${layer}.`;
    return [
      [`${block}ln_1.weight`, `${block}ln_1.bias`],
      [`${block}ln_2.weight`, `${block}ln_2.bias`],
    ];
  }
  const block = `${spec.prefix}layers.${layer}.`;
  return [[`${block}input_layernorm.weight`], [`${block}post_attention_layernorm.weight`]];
}

export function finalNormNames(spec: ArchitectureSpec): string[] {
  return spec.family === 'gpt2' ? [`${spec.prefix}ln_f.weight`, `${spec.prefix}ln_f.bias`] : [`${spec.prefix}norm.weight`];
}

/**
 * Reads every weight of the model. Those of the linear layers are kept as `baseDtype` says, all others in float32. The
 * caller disposes them with `disposeWeights`. Throws WEIGHT_OUT_OF_RANGE for a value that the base dtype cannot hold.
 */
export function loadWeights(spec: ArchitectureSpec, source: TensorSource, baseDtype: BaseDtype = 'f32'): Weights {
  const weights: Weights = new Map();
  const linear = new Set(linearModules(spec).map(({ weight }) => weight));
  for (const [name, { shape }] of source.tensors) {
    if (spec.tiedHead && name === 'lm_head.weight') continue; // some files hold the embedding a second time
    const packed = baseDtype !== 'f32' && linear.has(name);
    weights.set(name, packed ? packedParameter(name, source.readF32(name), shape as [number, number], baseDtype) : { name, value: onDevice(source.readF32(name), shape) });
  }
  return weights;
}

function packedParameter(name: string, values: Float32Array, shape: [number, number], format: PackedFormat): Parameter {
  const { words } = packMatrix(name, values, ...shape, format);
  return { name, value: tf.tensor1d(words, 'int32'), packed: { format, shape } };
}

/**
 * The TensorFlow backend takes values over only when an op first needs them, and holds on to the JavaScript array until
 * then. A slice of everything makes it do so now: libtensorflow uses the array's own memory where its alignment allows,
 * else it copies, and the array becomes garbage one tensor at a time.
 */
function onDevice(values: Float32Array, shape: number[]): tf.Tensor {
  const lazy = tf.tensor(values, shape, 'float32');
  if (tf.getBackend() !== 'tensorflow') return lazy;
  const eager = tf.slice(lazy, shape.map(() => 0), shape);
  lazy.dispose();
  return eager;
}

export function disposeWeights(weights: Weights): void {
  for (const { value } of weights.values()) value.dispose();
  weights.clear();
}
