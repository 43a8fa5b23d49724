/** A computation that gradients do not go through: what it returns counts as constant. */
import * as tf from '@tensorflow/tfjs-core';
import { engineState } from '../backends/tfjsInternals.ts';

/** f's result; tfjs records nothing while it takes itself to be inside a kernel. */
export function untaped<T extends tf.TensorContainer>(f: () => T): T {
  const state = engineState();
  state.kernelDepth++;
  try {
    return tf.tidy(f);
  } finally {
    state.kernelDepth--;
  }
}
