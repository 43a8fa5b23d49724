/**
 * Attention over rows of tokens in pieces, so that no row is padded and the scores in memory at a time are bounded:
 * rows of equal length that lie behind each other together, long rows some heads at a time. Pure arithmetic on sizes,
 * and the way of a piece out of the rows (N, heads·D) and back. It knows nothing of attention itself.
 */
import * as tf from '@tensorflow/tfjs-core';

export interface Piece {
  /** Index of the first token; `rows` rows of `length` tokens follow. */
  start: number;
  rows: number;
  length: number;
  /** Key heads, with the query heads that belong to them. */
  firstHead: number;
  heads: number;
}

/** Scores held at a time: 4 Mi floats, 16 MiB, which the allocator uses again. */
const MAX_SCORES = 1 << 22;

/** Pieces in the order of the tokens; those of one inner list share their tokens. `group`: query heads per key head. */
export function attentionPieces(
  lengths: readonly number[],
  kvHeads: number,
  group: number,
  maxScores = MAX_SCORES,
): Piece[][] {
  const pieces: Piece[][] = [];
  let start = 0;
  for (let row = 0; row < lengths.length;) {
    const length = lengths[row]!;
    const scoresPerHead = group * length * length;
    const most = Math.max(1, Math.floor(maxScores / (kvHeads * scoresPerHead)));
    let rows = 1;
    while (rows < most && lengths[row + rows] === length) rows++;
    const heads = Math.min(kvHeads, Math.max(1, Math.floor(maxScores / (rows * scoresPerHead))));
    const firsts = Array.from({ length: Math.ceil(kvHeads / heads) }, (_, i) => i * heads);
    pieces.push(
      firsts.map((firstHead) => ({ start, rows, length, firstHead, heads: Math.min(heads, kvHeads - firstHead) })),
    );
    start += rows * length;
    row += rows;
  }
  return pieces;
}

/**
 * The piece's part of x: (N, all heads·D), as (rows·key heads, group·length, D): query heads of one key head behind
 * each other.
 */
export function takePiece(
  x: tf.Tensor,
  { start, rows, length, firstHead, heads }: Piece,
  D: number,
  group: number,
): tf.Tensor3D {
  const width = heads * group * D;
  const part = tf.slice(x as tf.Tensor2D, [start, firstHead * group * D], [rows * length, width]);
  const turned = tf.transpose(tf.reshape(part, [rows, length, heads * group, D]), [0, 2, 1, 3]);
  return tf.reshape(turned, [rows * heads, group * length, D]);
}

/** The way back: (rows·key heads, group·length, D) to (rows·length, heads·group·D). */
export function fromPiece(y: tf.Tensor, { rows, length, heads }: Piece, group: number): tf.Tensor2D {
  const D = y.shape.at(-1) ?? 1;
  const turned = tf.transpose(tf.reshape(y, [rows, heads * group, length, D]), [0, 2, 1, 3]);
  return tf.reshape(turned, [rows * length, heads * group * D]);
}

/** Results of `attentionPieces`, in its order, as one matrix (N, all heads·D). */
export function joinPieces(results: tf.Tensor2D[][]): tf.Tensor2D {
  return joinedAlong(
    results.map((sideBySide) => joinedAlong(sideBySide, 1)),
    0,
  );
}

function joinedAlong(parts: tf.Tensor2D[], axis: 0 | 1): tf.Tensor2D {
  const [first, ...others] = parts;
  return first && others.length === 0 ? first : tf.concat(parts, axis);
}
