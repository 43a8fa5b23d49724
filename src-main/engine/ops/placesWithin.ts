/** Where row numbers lie within a run of rows. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * ids: (N) int32. `inside` (N) int32 is 1 where an id is one of the rows startRow … startRow + rows, else 0; `place` is
 * its distance from startRow there, else 0.
 */
export function placesWithin(
  ids: tf.Tensor1D,
  startRow: number,
  rows: number,
): { place: tf.Tensor1D; inside: tf.Tensor1D } {
  const from: tf.Tensor1D = tf.sub(ids, tf.scalar(startRow, 'int32'));
  const isOn = (flag: tf.Tensor): tf.Tensor1D => tf.cast(flag, 'int32') as tf.Tensor1D;
  const notBefore = isOn(tf.greaterEqual(from, tf.scalar(0, 'int32')));
  const inside: tf.Tensor1D = tf.mul(notBefore, isOn(tf.less(from, tf.scalar(rows, 'int32'))));
  return { place: tf.mul(from, inside), inside };
}
