/** The frozen base model's weights as tensors on the current backend, under the names that the file uses. */
import * as tf from '@tensorflow/tfjs-core';
import { GraftError } from '../../errors.ts';
import { linearModules, type ArchitectureSpec } from './architecture.ts';
import type { Parameter } from './parameters.ts';

/** Where weights come from; a checkpoint on disk implements it. */
export interface TensorSource {
  has(name: string): boolean;
  shape(name: string): number[];
  readF32(name: string): Float32Array;
}

export type Weights = Map<string, Parameter>;

/** Names of all tensors that the model reads; those of `optional` may be absent (biases, an untied head). */
export function weightNames(spec: ArchitectureSpec): { required: string[]; optional: string[] } {
  const required: string[] = [tokenEmbeddingName(spec)];
  const optional: string[] = [];
  for (const module of linearModules(spec)) {
    if (module.slice) continue;
    required.push(module.weight);
    (spec.family === 'gpt2' ? required : optional).push(module.bias!);
  }
  for (let layer = 0; layer < spec.layers; layer++) required.push(...normNames(spec, layer).flat());
  required.push(...finalNormNames(spec));
  if (spec.positions === 'learned') required.push(positionEmbeddingName(spec));
  if (!spec.tiedHead) required.push('lm_head.weight');
  return { required, optional };
}

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

/** Reads every weight. The caller disposes them with `disposeWeights`. Throws TENSOR_MISSING naming the tensor. */
export function loadWeights(spec: ArchitectureSpec, source: TensorSource): Weights {
  const { required, optional } = weightNames(spec);
  const weights: Weights = new Map();
  for (const name of [...required, ...optional.filter((n) => source.has(n))]) {
    if (!source.has(name)) {
      disposeWeights(weights);
      throw new GraftError('TENSOR_MISSING', `The checkpoint has no tensor ${name}, which its config.json calls for; download the checkpoint again.`, { tensor: name });
    }
    weights.set(name, { name, value: tf.tensor(source.readF32(name), source.shape(name), 'float32') });
  }
  return weights;
}

export function disposeWeights(weights: Weights): void {
  for (const { value } of weights.values()) value.dispose();
  weights.clear();
}
