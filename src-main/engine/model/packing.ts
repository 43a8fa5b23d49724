/**
 * Leaving the padding out: a batch of right-padded rows is computed as one list of its real tokens. Norms, linears and
 * the MLP then cost what the tokens cost, and every result stays the same, since a causal query never looks at the
 * padding behind it. Attention keeps each row of the batch to itself.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Where the N tokens of a batch of B rows are, and which rows they belong to. */
export interface TokenPlaces {
  /** (B + 1) int32: index of each row's first token, and N. */
  starts: tf.Tensor1D;
  /** (N) int32: position of each token in its row. */
  positions: tf.Tensor1D;
}

/** The same where padding was left out, so that N < B·T. */
export interface Packing extends TokenPlaces {
  /** (N) int32: grid position of each token. */
  tokens: tf.Tensor1D;
  /** (B·T) int32: token at each grid position; any token for padding. */
  grid: tf.Tensor1D;
  /** (B·T, 1): 1 for a token, 0 for padding. */
  real: tf.Tensor2D;
}

/** The tokens of B rows of at most T. */
export type TokenRows = TokenPlaces & Partial<Packing> & { B: number; T: number };

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

/** The index of rows of T on the device; undefined where nothing is padding. Call it under tidy. */
export function packingOf({ tokens, grid }: PackedIndex, mask: Int32Array, T: number): Packing | undefined {
  if (tokens.length === grid.length) return undefined;
  const starts = new Int32Array(mask.length / T + 1);
  for (const place of tokens) starts[Math.floor(place / T) + 1]!++;
  for (let row = 1; row < starts.length; row++) starts[row]! += starts[row - 1]!;
  return {
    starts: tf.tensor1d(starts, 'int32'),
    positions: tf.tensor1d(tokens.map((place) => place % T), 'int32'),
    tokens: tf.tensor1d(tokens, 'int32'),
    grid: tf.tensor1d(grid, 'int32'),
    real: tf.tensor2d(Float32Array.from(mask), [mask.length, 1]),
  };
}

/** B rows of T tokens each, whose first is at position `start`. Call it under tidy. */
export function fullRows(B: number, T: number, start: number): TokenPlaces {
  return {
    starts: tf.tensor1d(Int32Array.from({ length: B + 1 }, (_, row) => row * T), 'int32'),
    positions: tf.tensor1d(Int32Array.from({ length: B * T }, (_, i) => start + (i % T)), 'int32'),
  };
}
