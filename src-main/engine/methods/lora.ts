/**
 * LoRA (Hu et al. 2021, eq. 3): y = xW + (alpha/r)·(x·A^T)·B^T with A: (r, in), B: (out, r), W frozen, B = 0 at first.
 * Here A and B are laid out as PEFT stores them. Files and training know nothing of each other here.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ArchitectureSpec, LinearModule, Target } from '../model/architecture.ts';
import type { LinearDelta } from '../model/decoder.ts';
import type { Parameter } from '../model/parameters.ts';
import { dropout } from '../ops/dropout.ts';
import { loraLinear } from '../ops/loraLinear.ts';
import { Random } from '../random.ts';
import { loraModules } from './loraTargets.ts';

export interface LoraOptions {
  rank: number;
  alpha: number;
  /** Probability of dropping an element of x on its way into A, in training only. */
  dropout: number;
  targets: Target[];
  init: 'gaussian' | 'kaiming';
}

export interface LoraPair {
  module: LinearModule;
  /** (r, in) */
  A: Parameter;
  /** (out, r) */
  B: Parameter;
  scale: number;
}

export class LoraAdapter implements LinearDelta {
  readonly pairs: LoraPair[];
  /** Set for the forward pass of a training step with dropout; null otherwise. */
  dropout: { rate: number; random: Random } | null = null;
  private readonly byPlace: Map<string, LoraPair>;

  constructor(pairs: LoraPair[]) {
    this.pairs = pairs;
    this.byPlace = new Map(pairs.map((pair) => [`${pair.module.layer}.${pair.module.target}`, pair]));
  }

  addTo(y: tf.Tensor2D, layer: number, target: Target, x: tf.Tensor2D): tf.Tensor2D {
    const pair = this.byPlace.get(`${layer}.${target}`);
    if (!pair) return y;
    const input = this.dropout ? dropout(x, this.dropout.rate, this.dropout.random.nextUint32()) : x;
    return loraLinear(input, y, pair.A.value as tf.Tensor2D, pair.B.value as tf.Tensor2D, pair.scale);
  }

  /** A and B of every pair, in the order of the forward pass. */
  parameters(): Parameter[] {
    return this.pairs.flatMap(({ A, B }) => [A, B]);
  }

  dispose(): void {
    for (const { value } of this.parameters()) value.dispose();
  }
}

/** A new adapter: A random, B zero, so that the model starts out equal to the base. Throws on targets or ranks that do not fit. */
export function createLora(spec: ArchitectureSpec, options: LoraOptions, seed: number): LoraAdapter {
  const pairs = loraModules(spec, options.targets, options.rank).map((module) => {
    const A = initialA(module, options, Random.stream(seed, `lora_A ${module.layer} ${module.target}`));
    return makePair(module, A, new Float32Array(module.outFeatures * options.rank), options.rank, options.alpha / options.rank);
  });
  return new LoraAdapter(pairs);
}

/** A pair from plain arrays: A (r, in) and B (out, r) row by row. */
export function makePair(module: LinearModule, A: Float32Array, B: Float32Array, rank: number, scale: number): LoraPair {
  const place = `${module.layer}.${module.target}`;
  return {
    module,
    A: { name: `${place}.lora_A`, value: tf.tensor2d(A, [rank, module.inFeatures]) },
    B: { name: `${place}.lora_B`, value: tf.tensor2d(B, [module.outFeatures, rank]) },
    scale,
  };
}

/** `gaussian`: N(0, 1/r) (variance 1/r). `kaiming`: U(-1/sqrt(in), 1/sqrt(in)), PEFT's default (He et al. 2015, a = sqrt 5). */
function initialA({ inFeatures }: LinearModule, { rank, init }: LoraOptions, random: Random): Float32Array {
  if (init === 'gaussian') return random.normal(rank * inFeatures, Math.sqrt(1 / rank));
  const bound = 1 / Math.sqrt(inFeatures);
  return Float32Array.from({ length: rank * inFeatures }, () => (2 * random.uniform() - 1) * bound);
}
