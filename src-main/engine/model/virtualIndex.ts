/** Which tokens of a batch are virtual (see VirtualTokens): an adapter's own, with ids from `vocab` on. */
import * as tf from '@tensorflow/tfjs-core';
import { GraftError } from '../../../src-shared/errors.ts';

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

/** For a tokenizer that knows more tokens than the model has rows in its embedding. */
export function tokenOutside(ids: ArrayLike<number>, vocab: number): GraftError {
  const id = Array.from(ids).find((one) => one >= vocab);
  return new GraftError(
    'TOKEN_OUTSIDE',
    `A text has the token ${id}, but the embedding of the model has only ${vocab} rows; use a tokenizer and weights ` +
      'of the same checkpoint, or leave that token out of the text.',
    { id, vocab },
  );
}
