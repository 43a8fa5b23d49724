/**
 * The model's weights at work: linear layers and norms by name, with what an adapter puts in their place or adds to
 * them. It knows nothing of the order in which they are used.
 */
import * as tf from '@tensorflow/tfjs-core';
import { frozenLinear } from '../ops/frozenLinear.ts';
import { addLayerNorm, layerNorm } from '../ops/layerNorm.ts';
import { addRmsNorm, rmsNorm } from '../ops/rmsNorm.ts';
import { trainedLinear } from '../ops/trainedLinear.ts';
import { linearModules, type ArchitectureSpec, type LinearModule } from './architecture.ts';
import { type Target } from '../../../src-shared/targets.ts';
import type { Attachment, LinearInUse } from './attachment.ts';
import type { Parameter } from './parameters.ts';
import type { Weights } from './weights.ts';

export class Layers {
  readonly spec: ArchitectureSpec;
  readonly adapter: Attachment | null;
  private readonly weights: Weights;
  private readonly modules: Map<string, LinearModule>;

  constructor(spec: ArchitectureSpec, weights: Weights, adapter: Attachment | null) {
    this.spec = spec;
    this.weights = weights;
    this.adapter = adapter;
    this.modules = new Map(linearModules(spec).map((module) => [placeOf(module.layer, module.target), module]));
  }

  /** What is in use under this name; throws where there is nothing. */
  parameter(name: string): Parameter {
    const found = this.find(name);
    if (!found) throw new Error(`the model has no tensor ${name}`);
    return found;
  }

  has(layer: number, target: Target): boolean {
    return this.modules.has(placeOf(layer, target));
  }

  /** A linear layer of the model; throws where there is none. */
  inUse(layer: number, target: Target): LinearInUse {
    const place = placeOf(layer, target);
    const module = this.modules.get(place);
    if (!module) throw new Error(`the model has no linear layer ${place}`);
    return {
      module,
      weight: this.parameter(module.weight),
      bias: module.bias ? this.find(module.bias) : undefined, // many files have none
    };
  }

  /** y = xW (+ b) as the adapter wants it. x: (N, in). Returns (N, out). */
  linear(layer: number, target: Target, x: tf.Tensor2D): tf.Tensor2D {
    const at = this.inUse(layer, target);
    return this.adapted(this.product(this.adapter?.input?.(x, at) ?? x, at), x, at);
  }

  /** A part of a fused layer's output y, as the adapter wants it. x: (N, in). */
  adaptedPart(layer: number, target: Target, x: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor2D {
    return this.adapted(y, x, this.inUse(layer, target));
  }

  /** Without names x itself, as a tensor of its own. */
  norm(x: tf.Tensor2D, names: string[]): tf.Tensor2D {
    if (names.length === 0) return tf.clone(x);
    const [w, b] = this.normTensors(names);
    return b ? layerNorm(x, w, b, this.spec.normEps) : rmsNorm(x, w, this.spec.normEps);
  }

  /** [x + f, its norm], in one op; without names [x + f, the same]. */
  addNorm(x: tf.Tensor2D, f: tf.Tensor2D, names: string[]): [tf.Tensor2D, tf.Tensor2D] {
    if (names.length === 0) {
      const sum: tf.Tensor2D = tf.add(x, f);
      return [sum, tf.clone(sum)];
    }
    const [w, b] = this.normTensors(names);
    return b ? addLayerNorm(x, f, w, b, this.spec.normEps) : addRmsNorm(x, f, w, this.spec.normEps);
  }

  private product(x: tf.Tensor2D, { module, weight, bias }: LinearInUse): tf.Tensor2D {
    if (!this.adapter?.overrides?.has(module.weight)) return frozenLinear(x, weight, bias?.value, module.layout);
    const y = trainedLinear(x, weight, module.layout);
    return bias ? tf.add(y, bias.value) : y;
  }

  private adapted(y: tf.Tensor2D, x: tf.Tensor2D, at: LinearInUse): tf.Tensor2D {
    return this.adapter?.linear?.(y, x, at) ?? y;
  }

  private normTensors([weight, bias]: string[]): [tf.Tensor, tf.Tensor | undefined] {
    if (weight === undefined) throw new Error('a norm has at least a weight');
    const w = this.parameter(weight).value;
    return [this.spec.normPlusOne ? tf.add(w, 1) : w, bias === undefined ? undefined : this.parameter(bias).value];
  }

  private find(name: string): Parameter | undefined {
    return this.adapter?.overrides?.get(name) ?? this.weights.get(name);
  }
}

function placeOf(layer: number, target: Target): string {
  return `${layer}.${target}`;
}
