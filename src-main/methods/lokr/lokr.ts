/**
 * LoKr (Yeh et al. 2024, section 3.2): the update is s·(W1 ⊗ W2), s = alpha/r, a Kronecker product of W1 (l, m) and W2
 * (k, n) with out = l·k and in = m·n. W2 is a product of rank r where that is smaller than W2 itself. Shapes and start
 * are PEFT's: W1 zero, so that the model starts out equal to the base. The product with x never makes W1 ⊗ W2 itself.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ArchitectureSpec, LinearModule } from '../../engine/model/architecture.ts';
import type { LinearInUse } from '../../engine/model/attachment.ts';
import type { Parameter } from '../../engine/model/parameters.ts';
import { Random } from '../../engine/random.ts';
import type { Adapter } from '../attached.ts';
import { kaimingUniform } from '../lora/lora.ts';
import { adaptedModules, type TargetOptions } from '../targets.ts';
import { lokrShapes, type LokrPart, type LokrShapes } from '../shapes.ts';

export interface LokrOptions extends TargetOptions {
  alpha: number;
  /** Wanted size of W1's sides; absent: as square as the sizes allow. */
  factor?: number | undefined;
}

export interface LokrCell {
  module: LinearModule;
  parts: Partial<Record<LokrPart, Parameter>>;
  scale: number;
}

export class LokrAdapter implements Adapter {
  readonly cells: LokrCell[];
  private readonly byPlace: Map<string, LokrCell>;

  constructor(cells: LokrCell[]) {
    this.cells = cells;
    this.byPlace = new Map(cells.map((cell) => [`${cell.module.layer}.${cell.module.target}`, cell]));
  }

  linear(y: tf.Tensor2D, x: tf.Tensor2D, { module }: Pick<LinearInUse, 'module'>): tf.Tensor2D {
    const cell = this.byPlace.get(`${module.layer}.${module.target}`);
    if (!cell) return y;
    return tf.add(y, tf.mul(kroneckerProduct(x, ...factorsOf(cell)), tf.scalar(cell.scale)));
  }

  parameters(): Parameter[] {
    return this.cells.flatMap(({ parts }) => Object.values(parts));
  }

  dispose(): void {
    for (const { value } of this.parameters()) value.dispose();
  }
}

/** W1 (l, m) and W2 (k, n). */
function factorsOf({ parts: { lokr_w1, lokr_w2, lokr_w2_a, lokr_w2_b } }: LokrCell): [tf.Tensor2D, tf.Tensor2D] {
  const w2 = lokr_w2?.value ?? tf.matMul(lokr_w2_a!.value as tf.Tensor2D, lokr_w2_b!.value as tf.Tensor2D);
  return [lokr_w1!.value as tf.Tensor2D, w2 as tf.Tensor2D];
}

/** W1 ⊗ W2, (out, in), without the scale. */
export function lokrUpdate(cell: LokrCell): tf.Tensor2D {
  const [w1, w2] = factorsOf(cell);
  const [[l, m], [k, n]] = [w1.shape, w2.shape];
  return tf.reshape(tf.mul(tf.reshape(w1, [l, 1, m, 1]), tf.reshape(w2, [1, k, 1, n])), [l * k, m * n]);
}

/** x·(W1 ⊗ W2)^T. x: (N, m·n), w1: (l, m), w2: (k, n). Returns (N, l·k). */
function kroneckerProduct(x: tf.Tensor2D, w1: tf.Tensor2D, w2: tf.Tensor2D): tf.Tensor2D {
  const N = x.shape[0];
  const [l, m] = w1.shape;
  const [k, n] = w2.shape;
  const byW2 = tf.reshape(tf.matMul(tf.reshape(x, [N * m, n]) as tf.Tensor2D, w2, false, true), [N, m, k]);
  const turned = tf.reshape(tf.transpose(byW2, [0, 2, 1]), [N * k, m]) as tf.Tensor2D;
  const byBoth = tf.reshape(tf.matMul(turned, w1, false, true), [N, k, l]);
  return tf.reshape(tf.transpose(byBoth, [0, 2, 1]), [N, l * k]);
}

/** A new adapter. Throws on targets or ranks that do not fit. */
export function createLokr(spec: ArchitectureSpec, options: LokrOptions, seed: number): LokrAdapter {
  return new LokrAdapter(
    adaptedModules(spec, options).map(({ module, rank }) => {
      const shapes = lokrShapes(module, rank, options.factor);
      const values = (part: LokrPart, [rows, columns]: [number, number]): Float32Array => {
        if (part === 'lokr_w1') return new Float32Array(rows * columns);
        return kaimingUniform(rows * columns, columns, Random.stream(seed, `${part} ${module.layer} ${module.target}`));
      };
      return makeLokrCell(module, options.alpha / rank, shapes, values);
    }),
  );
}

export function makeLokrCell(
  module: LinearModule,
  scale: number,
  shapes: LokrShapes,
  values: (part: LokrPart, shape: [number, number]) => Float32Array,
): LokrCell {
  const make = ([part, shape]: [string, [number, number]]): [string, Parameter] => [
    part,
    { name: `${module.layer}.${module.target}.${part}`, value: tf.tensor2d(values(part as LokrPart, shape), shape) },
  ];
  return { module, scale, parts: Object.fromEntries(Object.entries(shapes).map(make)) };
}
