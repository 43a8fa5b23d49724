/** What a caller of the forward pass may want of it, and what goes from block to block. */
import type * as tf from '@tensorflow/tfjs-core';
import type { KvCache } from './kvCache.ts';
import type { TokenPlaces, TokenRows } from './packing.ts';

/** Noise on the token embeddings x (N, C) of `rows`; returns their sum. */
export type InputNoise = (x: tf.Tensor2D, rows: TokenRows) => tf.Tensor2D;

export type TwoOutputs = [tf.Tensor2D, tf.Tensor2D];

/** Parts of the forward pass that the gradient computes again; `rewind` then comes before each. */
export interface Recompute {
  /** f(x). f disposes its x, and its results depend on nothing but x and parameters. */
  whole(x: tf.Tensor2D, f: (x: tf.Tensor2D) => TwoOutputs, rewind?: () => void): TwoOutputs;
  /**
   * f(inputs) where each row of the results depends on that row of the inputs alone, at most so many rows at a time:
   * the end of what `whole` computes. The results are shaped as the inputs.
   */
  byRows(inputs: TwoOutputs, f: (inputs: TwoOutputs) => TwoOutputs, rows: number, rewind?: () => void): TwoOutputs;
  /** How large a result on the way is to be at most. */
  readonly floatsAtOnce: number;
}

export interface ForwardOptions {
  /** What the T tokens continue; it then holds them too. */
  cache?: KvCache | undefined;
  /** Where the tokens are, if padding is left out. */
  packing?: TokenPlaces | undefined;
  inputNoise?: InputNoise | undefined;
  /** Compute each block again for its gradient instead of keeping its activations. */
  recompute?: Recompute | undefined;
}

/** The residual stream and its norm that the next half of a block reads, both (N, C). */
export interface Stream {
  x: tf.Tensor2D;
  normed: tf.Tensor2D;
}
