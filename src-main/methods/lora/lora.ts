/**
 * LoRA (Hu et al. 2021, eq. 3): y = xW + s·(x·A^T)·B^T with A: (r, in), B: (out, r), W frozen, B = 0 at first. s is
 * alpha/r, or alpha/sqrt(r) where rank-stabilised (Kalajdzievski 2023, eq. 4). A pair with a magnitude is DoRA's
 * (dora.ts). A and B are laid out as PEFT stores them. Files and training know nothing of each other here.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ArchitectureSpec, LinearModule } from '../../engine/model/architecture.ts';
import type { LinearInUse } from '../../engine/model/attachment.ts';
import { piecesOf, type Parameter } from '../../engine/model/parameters.ts';
import { dropout } from '../../engine/ops/dropout.ts';
import { loraLinear } from '../../engine/ops/loraLinear.ts';
import { Random } from '../../../src-shared/random.ts';
import type { Adapter, ModuleUpdate } from '../adapter.ts';
import { biasOverrides } from '../bitfit/biases.ts';
import { doraLinear, magnitudeName } from './dora.ts';
import type { LoraPair } from './pair.ts';
import { kaimingUniform } from '../kaiming.ts';
import { adaptedModules, ofModule, placeOf, type TargetOptions } from '../targets.ts';

export interface LoraOptions extends TargetOptions {
  rank: number;
  alpha: number;
  /** Probability of dropping an element of x on its way into A, in training only. */
  dropout: number;
  /** All but `gaussian` start as `kaiming` does here; start.ts then replaces A, or A and B. */
  init: 'gaussian' | 'kaiming' | 'pissa' | 'eva' | 'lora-ga';
  rslora?: boolean | undefined;
}

export class LoraAdapter implements Adapter {
  readonly pairs: LoraPair[];
  /** Biases trained along, in place of the base's. */
  readonly overrides: ReadonlyMap<string, Parameter>;
  /** Set for the forward pass of a training step with dropout; null otherwise. */
  dropout: { rate: number; random: Random } | null = null;
  private readonly byPlace: Map<string, LoraPair>;

  constructor(pairs: LoraPair[], biases: Parameter[] = []) {
    this.pairs = pairs;
    this.overrides = biasOverrides(biases);
    this.byPlace = new Map(pairs.map((pair) => [placeOf(pair.module), pair]));
  }

  linear(y: tf.Tensor2D, x: tf.Tensor2D, at: LinearInUse): tf.Tensor2D {
    const pair = this.byPlace.get(placeOf(at.module));
    if (!pair) return y;
    const input = this.dropout ? dropout(x, this.dropout.rate, this.dropout.random.nextUint32()) : x;
    if (pair.magnitude) return doraLinear(y, input, pair, pair.magnitude, at);
    return loraLinear(input, y, pair.A.value as tf.Tensor2D, pair.B.value as tf.Tensor2D, pair.scale);
  }

  updates(): ModuleUpdate[] | null {
    if (this.overrides.size > 0 || this.pairs.some(({ magnitude }) => magnitude)) return null;
    return this.pairs.map(({ module, A, B, scale }) => ({
      module,
      matrix: () => tf.mul(tf.matMul(B.value as tf.Tensor2D, A.value as tf.Tensor2D), scale),
    }));
  }

  rewind(): () => void {
    const { dropout } = this;
    const state = dropout?.random.state();
    return () => {
      if (dropout && state) this.dropout = { rate: dropout.rate, random: new Random(state) };
    };
  }

  /** A, B and magnitude of every pair, in the order of the forward pass, then the biases. */
  parameters(): Parameter[] {
    return [
      ...this.pairs.flatMap(({ A, B, magnitude }) => (magnitude ? [A, B, magnitude.m] : [A, B])),
      ...[...this.overrides.values()].flatMap(piecesOf),
    ];
  }

  dispose(): void {
    for (const { value } of this.parameters()) value.dispose();
    for (const { magnitude } of this.pairs) magnitude?.squares?.dispose();
  }
}

/**
 * A new adapter: A random, B zero, so that the model starts out equal to the base. Throws on targets or ranks that do
 * not fit.
 */
export function createLora(spec: ArchitectureSpec, options: LoraOptions, seed: number): LoraAdapter {
  return new LoraAdapter(
    adaptedModules(spec, options).map(({ module, rank }) => {
      const A = initialA(module, rank, options.init, Random.stream(seed, `lora_A ${module.layer} ${module.target}`));
      return makePair(module, A, new Float32Array(module.outFeatures * rank), rank, loraScale(module, rank, options));
    }),
  );
}

/** s of one matrix. */
function loraScale(module: LinearModule, rank: number, { alpha, alphaPattern, rslora }: LoraOptions): number {
  return (ofModule(alphaPattern, module) ?? alpha) / (rslora ? Math.sqrt(rank) : rank);
}

/** A pair from plain arrays: A (r, in) and B (out, r) row by row, magnitude (out) with DoRA. */
export function makePair(
  module: LinearModule,
  A: Float32Array,
  B: Float32Array,
  rank: number,
  scale: number,
  magnitude?: Float32Array,
): LoraPair {
  const place = placeOf(module);
  return {
    module,
    A: { name: `${place}.lora_A`, value: tf.tensor2d(A, [rank, module.inFeatures]) },
    B: { name: `${place}.lora_B`, value: tf.tensor2d(B, [module.outFeatures, rank]) },
    scale,
    ...(magnitude ? { magnitude: { m: { name: magnitudeName(module), value: tf.tensor1d(magnitude) } } } : {}),
  };
}

/**
 * `gaussian`: N(0, 1/r) (variance 1/r). Else U(-1/sqrt(in), 1/sqrt(in)), PEFT's default (He et al. 2015, a = sqrt 5).
 */
function initialA({ inFeatures }: LinearModule, rank: number, init: LoraOptions['init'], random: Random): Float32Array {
  if (init === 'gaussian') return random.normal(rank * inFeatures, Math.sqrt(1 / rank));
  return kaimingUniform(rank * inFeatures, inFeatures, random);
}
