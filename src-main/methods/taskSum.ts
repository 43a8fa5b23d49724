/**
 * Several adapters at once, each with a scale of its own: y + sum of scale·(what the adapter adds to y). For adapters
 * that only add.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LinearInUse } from '../engine/model/attachment.ts';
import type { Parameter } from '../engine/model/parameters.ts';
import type { Adapter } from './adapter.ts';

export interface ScaledAdapter {
  adapter: Adapter;
  /** Of what it adds, beside its own scale; negative takes it away. */
  scale: number;
}

export class TaskSum implements Adapter {
  private readonly tasks: ScaledAdapter[];

  /** It owns the adapters. */
  constructor(tasks: ScaledAdapter[]) {
    this.tasks = tasks;
  }

  linear(y: tf.Tensor2D, x: tf.Tensor2D, at: LinearInUse): tf.Tensor2D {
    let sum = y;
    for (const { adapter, scale } of this.tasks) {
      const own = adapter.linear?.(y, x, at) ?? y;
      if (own !== y) sum = tf.add(sum, tf.mul(tf.sub(own, y), scale));
    }
    return sum;
  }

  parameters(): Parameter[] {
    return this.tasks.flatMap(({ adapter }) => adapter.parameters());
  }

  dispose(): void {
    for (const { adapter } of this.tasks) adapter.dispose();
  }
}
