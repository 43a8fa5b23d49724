/**
 * LoHa (Hyeon-Woo et al. 2022, proposition 1): the update is s·(W1a·W1b)∘(W2a·W2b), s = alpha/r, of rank up to r^2.
 * Shapes and start are PEFT's: all four random but W2b, which is zero, so that the model starts out equal to the base.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ArchitectureSpec, LinearModule } from '../../engine/model/architecture.ts';
import type { LinearInUse } from '../../engine/model/attachment.ts';
import type { Parameter } from '../../engine/model/parameters.ts';
import { Random } from '../../engine/random.ts';
import type { Adapter } from '../attached.ts';
import { kaimingUniform } from '../lora/lora.ts';
import { adaptedModules, type TargetOptions } from '../targets.ts';
import { LOHA_PARTS, lohaShape, type LohaPart } from '../shapes.ts';

export interface LohaOptions extends TargetOptions {
  alpha: number;
}

export interface LohaCell {
  module: LinearModule;
  parts: Record<LohaPart, Parameter>;
  scale: number;
}

export class LohaAdapter implements Adapter {
  readonly cells: LohaCell[];
  private readonly byPlace: Map<string, LohaCell>;

  constructor(cells: LohaCell[]) {
    this.cells = cells;
    this.byPlace = new Map(cells.map((cell) => [`${cell.module.layer}.${cell.module.target}`, cell]));
  }

  linear(y: tf.Tensor2D, x: tf.Tensor2D, { module }: Pick<LinearInUse, 'module'>): tf.Tensor2D {
    const cell = this.byPlace.get(`${module.layer}.${module.target}`);
    if (!cell) return y;
    return tf.add(y, tf.mul(tf.matMul(x, lohaUpdate(cell), false, true), tf.scalar(cell.scale)));
  }

  parameters(): Parameter[] {
    return this.cells.flatMap(({ parts }) => LOHA_PARTS.map((part) => parts[part]));
  }

  dispose(): void {
    for (const { value } of this.parameters()) value.dispose();
  }
}

/** (W1a·W1b)∘(W2a·W2b), (out, in), without the scale. */
export function lohaUpdate({ parts }: LohaCell): tf.Tensor2D {
  const [w1a, w1b, w2a, w2b] = LOHA_PARTS.map((part) => parts[part].value as tf.Tensor2D) as [
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  return tf.mul(tf.matMul(w1a, w1b), tf.matMul(w2a, w2b));
}

/** A new adapter. Throws on targets or ranks that do not fit. */
export function createLoha(spec: ArchitectureSpec, options: LohaOptions, seed: number): LohaAdapter {
  return new LohaAdapter(
    adaptedModules(spec, options).map(({ module, rank }) => {
      const values = (part: LohaPart): Float32Array => {
        const shape = lohaShape(part, module, rank);
        if (part === 'hada_w2_b') return new Float32Array(shape[0] * shape[1]);
        return kaimingUniform(
          shape[0] * shape[1],
          shape[1],
          Random.stream(seed, `${part} ${module.layer} ${module.target}`),
        );
      };
      return makeLohaCell(module, rank, options.alpha / rank, values);
    }),
  );
}

export function makeLohaCell(
  module: LinearModule,
  rank: number,
  scale: number,
  values: (part: LohaPart) => Float32Array,
): LohaCell {
  const make = (part: LohaPart): Parameter => ({
    name: `${module.layer}.${module.target}.${part}`,
    value: tf.tensor2d(values(part), lohaShape(part, module, rank)),
  });
  return {
    module,
    scale,
    parts: Object.fromEntries(LOHA_PARTS.map((part) => [part, make(part)])) as Record<LohaPart, Parameter>,
  };
}
