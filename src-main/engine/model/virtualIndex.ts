/** Which tokens of a batch are virtual (see VirtualTokens): an adapter's own, with ids from `vocab` on. */
import * as tf from '@tensorflow/tfjs-core';

/** Both (N), N tokens in all. */
export interface VirtualIndex {
  /** `index` of VirtualTokens, int32. */
  index: tf.Tensor1D;
  /** 1 for a real token, 0 for a virtual one. */
  isReal: tf.Tensor1D;
}

/** `real`: (N) int32, the ids with 0 in the place of virtual tokens; `virtual`: present where there are any. */
export function virtualIndex(ids: ArrayLike<number>, vocab: number): { real: tf.Tensor1D; virtual?: VirtualIndex } {
  const all = Int32Array.from(ids);
  if (!all.some((id) => id >= vocab)) return { real: tf.tensor1d(all, 'int32') };
  const mapped = (of: (id: number, i: number) => number): tf.Tensor1D => tf.tensor1d(all.map(of), 'int32');
  return {
    real: mapped((id) => (id < vocab ? id : 0)),
    virtual: {
      index: mapped((id, i) => (id < vocab ? i : all.length + id - vocab)),
      isReal: mapped((id) => (id < vocab ? 1 : 0)),
    },
  };
}
