/** What an adapter adds to the weights, as matrices: for merging into a model that is loaded. */
import * as tf from '@tensorflow/tfjs-core';
import { usageError } from '../../src-shared/errors.ts';
import type { LinearModule } from '../engine/model/architecture.ts';
import type { Parameter } from '../engine/model/parameters.ts';
import type { Adapter, ModuleUpdate } from './adapter.ts';

/** Throws NOT_ADDITIVE for methods that do more than add to weights. */
export function updatesOf(adapter: Adapter): ModuleUpdate[] {
  const updates = adapter.updates?.();
  if (updates) return updates;
  throw usageError(
    'NOT_ADDITIVE',
    'This adapter does more than add to weights, so it cannot be merged into a loaded model; attach it instead.',
  );
}

/**
 * An update (out, in) in the shape and orientation of the weight that holds it; the other parts of a fused layer are
 * zero.
 */
export function asWeight(
  update: tf.Tensor2D,
  { layout, slice }: LinearModule,
  weight: Pick<Parameter, 'value'>,
): tf.Tensor2D {
  const transposed = layout === 'in_out';
  const outputs = weight.value.shape[transposed ? 1 : 0]!;
  const whole: tf.Tensor2D = slice
    ? tf.pad(update, [
        [slice.start, outputs - slice.end],
        [0, 0],
      ])
    : update;
  return transposed ? tf.transpose(whole) : whole;
}
