/**
 * Several adapters at once, each with a weight of its own: y + sum of weight·(what the adapter adds to y). For adapters
 * that only add.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LinearInUse } from '../engine/model/attachment.ts';
import type { Parameter } from '../engine/model/parameters.ts';
import type { Adapter } from './attached.ts';

export interface WeightedAdapter {
  adapter: Adapter;
  weight: number;
}

export class TaskSum implements Adapter {
  private readonly tasks: WeightedAdapter[];

  /** It owns the adapters. */
  constructor(tasks: WeightedAdapter[]) {
    this.tasks = tasks;
  }

  linear(y: tf.Tensor2D, x: tf.Tensor2D, at: LinearInUse): tf.Tensor2D {
    let sum = y;
    for (const { adapter, weight } of this.tasks) {
      const own = adapter.linear?.(y, x, at) ?? y;
      if (own !== y) sum = tf.add(sum, tf.mul(tf.sub(own, y), weight));
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
