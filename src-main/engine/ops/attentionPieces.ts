/**
 * Attention over rows of tokens in pieces, so that no row is padded and the scores in memory at a time are bounded:
 * rows of equal length that lie behind each other together, long rows some heads at a time, and a row that is too long
 * even for one head some queries at a time, with the keys up to the last of them. Pure arithmetic on sizes, and the way
 * of a piece out of the rows (N, heads·D) and back. It knows nothing of attention itself.
 */
import * as tf from '@tensorflow/tfjs-core';

export interface Piece {
  /** Index of the first token; `rows` rows of `length` tokens follow. */
  start: number;
  rows: number;
  length: number;
  /** The queries of each row; their keys are the tokens 0 … firstQuery + queries - 1. */
  firstQuery: number;
  queries: number;
  /** Key heads, with the query heads that belong to them. */
  firstHead: number;
  heads: number;
}

/** Scores held at a time: 4 Mi floats, 16 MiB, which the allocator uses again. */
const MAX_SCORES = 1 << 22;

/** Pieces in the order of the queries; those of one inner list share them. `group`: query heads per key head. */
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
    if (scoresPerHead > maxScores) {
      pieces.push(...someQueriesAtATime(start, length, kvHeads, maxScores / group));
      start += length;
      row++;
      continue;
    }
    const most = Math.max(1, Math.floor(maxScores / (kvHeads * scoresPerHead)));
    let rows = 1;
    while (rows < most && lengths[row + rows] === length) rows++;
    const heads = Math.min(kvHeads, Math.max(1, Math.floor(maxScores / (rows * scoresPerHead))));
    const firsts = Array.from({ length: Math.ceil(kvHeads / heads) }, (_, i) => i * heads);
    pieces.push(
      firsts.map((firstHead) => ({
        start,
        rows,
        length,
        firstQuery: 0,
        queries: length,
        firstHead,
        heads: Math.min(heads, kvHeads - firstHead),
      })),
    );
    start += rows * length;
    row += rows;
  }
  return pieces;
}

/** One row, a key head at a time: q queries behind the first f have (f + q)·q scores, at most `most`, or one query. */
function someQueriesAtATime(start: number, length: number, kvHeads: number, most: number): Piece[][] {
  const pieces: Piece[][] = [];
  for (let firstQuery = 0; firstQuery < length;) {
    const fit = Math.floor((Math.sqrt(firstQuery ** 2 + 4 * most) - firstQuery) / 2);
    const queries = Math.min(length - firstQuery, Math.max(1, fit));
    const piece = { start, rows: 1, length, firstQuery, queries, heads: 1 };
    pieces.push(Array.from({ length: kvHeads }, (_, firstHead) => ({ ...piece, firstHead })));
    firstQuery += queries;
  }
  return pieces;
}

/** Keys that the piece's queries see. */
export function keysOf({ firstQuery, queries }: Piece): number {
  return firstQuery + queries;
}

/**
 * The part of x: (N, all heads·D) that belongs to the piece's queries, as (rows·key heads, group·queries, D): query
 * heads of one key head behind each other.
 */
export function takeQueries(x: tf.Tensor, piece: Piece, D: number, group: number): tf.Tensor3D {
  return take(x, piece, piece.firstQuery, piece.queries, D, group);
}

/** The same of x: (N, key heads·D) for the piece's keys, as (rows·key heads, keys, D). */
export function takeKeys(x: tf.Tensor, piece: Piece, D: number): tf.Tensor3D {
  return take(x, piece, 0, keysOf(piece), D, 1);
}

/** A piece has several rows only where its tokens are whole rows. */
function take(
  x: tf.Tensor,
  { start, rows, firstHead, heads }: Piece,
  first: number,
  count: number,
  D: number,
  group: number,
): tf.Tensor3D {
  const width = heads * group * D;
  const part = tf.slice(x as tf.Tensor2D, [start + first, firstHead * group * D], [rows * count, width]);
  const turned = tf.transpose(tf.reshape(part, [rows, count, heads * group, D]), [0, 2, 1, 3]);
  return tf.reshape(turned, [rows * heads, group * count, D]);
}

/** The way back: (rows·key heads, group·tokens, D) to (rows·tokens, heads·group·D). */
export function fromPiece(y: tf.Tensor, { rows, heads }: Piece, group: number): tf.Tensor2D {
  const D = y.shape.at(-1) ?? 1;
  const tokens = y.size / (rows * heads * group * D);
  const turned = tf.transpose(tf.reshape(y, [rows, heads * group, tokens, D]), [0, 2, 1, 3]);
  return tf.reshape(turned, [rows * tokens, heads * group * D]);
}

/** Results of an inner list of `attentionPieces`. */
export function besideEachOther(parts: tf.Tensor2D[]): tf.Tensor2D {
  return joinedAlong(parts, 1);
}

/** Of queries: results of all inner lists in their order. */
export function behindEachOther(parts: tf.Tensor2D[]): tf.Tensor2D {
  return joinedAlong(parts, 0);
}

function joinedAlong(parts: tf.Tensor2D[], axis: 0 | 1): tf.Tensor2D {
  const [first, ...others] = parts;
  return first && others.length === 0 ? first : tf.concat(parts, axis);
}
