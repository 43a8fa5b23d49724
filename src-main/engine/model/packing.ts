/**
 * Leaving the padding out: a batch of right-padded rows is computed as one list of its real tokens. Norms, linears and
 * the MLP then cost what the tokens cost, and every result stays the same, since a causal query never looks at the
 * padding behind it. Attention keeps each row of the batch to itself.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Where the N tokens of a batch of B rows are, and which rows they belong to. */
export interface TokenPlaces {
  /** Tokens of each of the B rows. */
  lengths: number[];
  /** (B + 1) int32: index of each row's first token, and N. */
  starts: tf.Tensor1D;
  /** (N) int32: position of each token in its row. */
  positions: tf.Tensor1D;
}

/** The tokens of B rows of at most T. */
export type TokenRows = TokenPlaces & { B: number; T: number };

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

/** Where the tokens of `index` are in rows of T; undefined where nothing is padding. Call it under tidy. */
export function packingOf({ tokens, grid }: PackedIndex, T: number): TokenPlaces | undefined {
  if (tokens.length === grid.length) return undefined;
  const lengths = new Array<number>(grid.length / T).fill(0);
  for (const place of tokens) lengths[Math.floor(place / T)]!++;
  return placesOf(
    lengths,
    tokens.map((place) => place % T),
  );
}

/** B rows of T tokens each, whose first is at position `start`. Call it under tidy. */
export function fullRows(B: number, T: number, start: number): TokenPlaces {
  return placesOf(
    new Array<number>(B).fill(T),
    Int32Array.from({ length: B * T }, (_, i) => start + (i % T)),
  );
}

function placesOf(lengths: number[], positions: Int32Array): TokenPlaces {
  const starts = new Int32Array(lengths.length + 1);
  lengths.forEach((length, row) => (starts[row + 1] = starts[row]! + length));
  return { lengths, starts: tf.tensor1d(starts, 'int32'), positions: tf.tensor1d(positions, 'int32') };
}
