/**
 * Leaving the padding out: a batch of right-padded rows is computed as one list of its real tokens, and only attention
 * sees the (B, T) grid. Norms, linears and the MLP then cost what the tokens cost, and every result stays the same,
 * since a causal query never looks at the padding behind it.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Where the N real tokens are in the grid of B·T positions. */
export interface Packing {
  /** (N) int32: grid position of each token. */
  tokens: tf.Tensor1D;
  /** (B·T) int32: token at each grid position; any token for padding. */
  grid: tf.Tensor1D;
  /** (B·T, 1): 1 for a token, 0 for padding. */
  mask: tf.Tensor2D;
}

export interface PackedIndex {
  /** Grid position of each token. */
  tokens: Int32Array;
  /** Token at each grid position; 0 for padding. */
  grid: Int32Array;
}

/** mask: (B·T), 1 for a real token. */
export function packedIndex(mask: Int32Array): PackedIndex {
  const grid = new Int32Array(mask.length);
  const tokens: number[] = [];
  mask.forEach((real, position) => {
    if (!real) return;
    grid[position] = tokens.length;
    tokens.push(position);
  });
  return { tokens: Int32Array.from(tokens), grid };
}

/** The index on the device; undefined where nothing is padding. Call it under tidy. */
export function packingOf({ tokens, grid }: PackedIndex, mask: Int32Array): Packing | undefined {
  if (tokens.length === grid.length) return undefined;
  return { tokens: tf.tensor1d(tokens, 'int32'), grid: tf.tensor1d(grid, 'int32'), mask: tf.tensor2d(Float32Array.from(mask), [mask.length, 1]) };
}
