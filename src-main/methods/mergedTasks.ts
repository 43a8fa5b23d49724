/**
 * A loaded base with adapters merged into its weights, W + sum of scale·s·BA, which answers as fast as the plain base.
 * The original of each weight that is changed is kept, and every switch starts from it: W - s·B1A1 + s·B2A2 without the
 * rounding errors of one switch being carried into the next, and with nothing merged the originals themselves again.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usageError } from '../../src-shared/errors.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import { dtypeOf, type Parameter } from '../engine/model/parameters.ts';
import type { ScaledAdapter } from './taskSum.ts';
import type { ModuleUpdate } from './adapter.ts';
import { asWeight, updatesOf } from './update.ts';
import { assertWhole } from './wholeWeight.ts';

export class MergedTasks {
  private readonly model: Decoder;
  /** The base's own values of the weights that are changed now. */
  private readonly originals = new Map<Parameter, tf.Tensor>();

  constructor(model: Decoder) {
    this.model = model;
  }

  /**
   * Merges these adapters in place of those before; none: the plain base. The adapters may be disposed afterwards.
   * Throws NOT_ADDITIVE, MERGE_NEEDS_F32 on packed weights, WEIGHT_IN_PIECES; the model is as before then.
   */
  switchTo(tasks: ScaledAdapter[]): void {
    const changes = this.changesOf(tasks);
    for (const [weight, original] of this.originals) {
      if (weight.value !== original) weight.value.dispose();
      weight.value = original;
    }
    const unchanged = [...this.originals.keys()].filter((weight) => !changes.has(weight));
    for (const weight of unchanged) this.originals.delete(weight);
    for (const [weight, updates] of changes) {
      this.originals.set(weight, weight.value);
      weight.value = tf.tidy(() =>
        updates.reduce<tf.Tensor>(
          (sum, { update, scale }) => tf.add(sum, tf.mul(asWeight(update.matrix(), update.module, weight), scale)),
          weight.value,
        ),
      );
    }
  }

  private changesOf(tasks: ScaledAdapter[]): Map<Parameter, { update: ModuleUpdate; scale: number }[]> {
    const changes = new Map<Parameter, { update: ModuleUpdate; scale: number }[]>();
    for (const { adapter, scale } of tasks) {
      for (const update of updatesOf(adapter)) {
        const weight = this.model.weights.get(update.module.weight)!;
        if (dtypeOf(weight) !== 'f32')
          throw usageError(
            'MERGE_NEEDS_F32',
            'Adapters can only be merged into float32 weights; load the base with the dtype f32, or attach the ' +
              'adapter instead.',
          );
        assertWhole(weight, 'Merging in memory', 'attach the adapter instead');
        changes.set(weight, [...(changes.get(weight) ?? []), { update, scale }]);
      }
    }
    return changes;
  }
}
