/**
 * How a fine-tuning method takes part in the forward pass. The decoder asks at each of these places; what a method
 * leaves out, the base does alone. The methods themselves are in src-main/methods, one folder each.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { LinearModule } from './architecture.ts';
import type { Parameter } from './parameters.ts';

/** A linear layer at work; for a slice of a fused layer, weight and bias are those of the whole. */
export interface LinearInUse {
  module: LinearModule;
  weight: Parameter;
  bias?: Parameter | undefined;
}

export interface Attachment {
  /** Parameters that stand in for the base's of the same name, and are trained where they need a gradient. */
  readonly overrides?: ReadonlyMap<string, Parameter>;
  /** x: (N, in). What a linear layer reads, x itself where the method leaves it as it is. */
  input?(x: tf.Tensor2D, at: LinearInUse): tf.Tensor2D;
  /**
   * x: (N, in), y: (N, out), the base's output, bias included. Returns the output as the method wants it, y itself
   * where it takes no part.
   */
  linear?(y: tf.Tensor2D, x: tf.Tensor2D, at: LinearInUse): tf.Tensor2D;
  /** h: (N, C), output of the attention or MLP of a layer on its way into the residual stream. */
  sublayer?(h: tf.Tensor2D, layer: number, half: 'attention' | 'mlp'): tf.Tensor2D;
  readonly virtual?: VirtualTokens;
  /** What takes the random draws of the forward pass back to where they are now, for computing a part of it again. */
  rewind?(): () => void;
}

/**
 * Tokens that no text has, with ids from `vocab` on. Where the batch has them, N tokens in all, `index` (N) int32 says
 * for each place i whether its token is real (i) or the virtual token j (N + j).
 */
export interface VirtualTokens {
  /** l_p, in front of the input. */
  prefix: number;
  /** l_i, between prompt and answer. */
  infix: number;
  /** x: (N, C), embeddings, before position embeddings are added. */
  embed?(x: tf.Tensor2D, index: tf.Tensor1D): tf.Tensor2D;
  /** x: (N, C), the residual stream at the input of a layer. */
  enter?(x: tf.Tensor2D, layer: number, index: tf.Tensor1D): tf.Tensor2D;
  /**
   * k, v: (N, K·D) of a layer. Present: virtual tokens stand at position 0, so that rotary positions leave their keys
   * alone.
   */
  keysValues?(k: tf.Tensor2D, v: tf.Tensor2D, layer: number, index: tf.Tensor1D): [tf.Tensor2D, tf.Tensor2D];
}
