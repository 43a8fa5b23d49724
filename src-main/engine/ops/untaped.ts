/** A computation that gradients do not go through: what it returns counts as constant. */
import * as tf from '@tensorflow/tfjs-core';

/** f's result; tfjs records nothing while it takes itself to be inside a kernel. */
export function untaped<T extends tf.TensorContainer>(f: () => T): T {
  const state = tf.engine().state as unknown as { kernelDepth: number };
  state.kernelDepth++;
  try {
    return tf.tidy(f);
  } finally {
    state.kernelDepth--;
  }
}
