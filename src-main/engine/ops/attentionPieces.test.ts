import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { bootBackend } from '../backends/backends.ts';
import { fullRows } from '../model/packing.ts';
import { attentionMask } from './attention.ts';
import { attentionPieces, keysOf, type Piece } from './attentionPieces.ts';
import { rowsAttention, rowsMask } from './rowsAttention.ts';

const scoresOf = (piece: Piece, group: number): number =>
  piece.rows * piece.heads * group * piece.queries * keysOf(piece);

describe('pieces', () => {
  it.each([
    [[3, 3, 3, 5, 3], 4, 2, 1000],
    [[3, 3, 3, 5, 3], 4, 2, 150],
    [[10, 10], 3, 1, 150],
    [[1], 1, 1, 1],
    [[7, 2, 2, 9], 2, 3, 1],
  ])(
    '%j rows, %i key heads of %i: every query and head once, at most %i scores unless one query has more',
    (lengths, K, group, limit) => {
      const seen = new Map<string, number>();
      for (const piece of attentionPieces(lengths, K, group, limit).flat()) {
        const { start, rows, firstQuery, queries, firstHead, heads } = piece;
        const first = start + firstQuery;
        for (let token = first; token < first + rows * queries; token++) {
          for (let head = firstHead; head < firstHead + heads; head++)
            seen.set(`${token} ${head}`, (seen.get(`${token} ${head}`) ?? 0) + 1);
        }
        if (rows > 1 || heads > 1 || queries > 1) expect(scoresOf(piece, group)).toBeLessThanOrEqual(limit);
      }
      const tokens = lengths.reduce((a, b) => a + b, 0);
      expect(seen.size).toBe(tokens * K);
      expect([...seen.values()].every((count) => count === 1)).toBe(true);
    },
  );

  it('rows of equal length stay together, and so do the heads, while they fit', () => {
    expect(attentionPieces([4, 4, 6], 2, 1)).toEqual([
      [{ start: 0, rows: 2, length: 4, firstQuery: 0, queries: 4, firstHead: 0, heads: 2 }],
      [{ start: 8, rows: 1, length: 6, firstQuery: 0, queries: 6, firstHead: 0, heads: 2 }],
    ]);
  });
});

describe.each([
  ['a mask for all', 1500, 0, 0],
  ['a mask for each piece', 2100, 0, 0],
  ['a window and a cap', 2100, 700, 3],
])('a row so long that its queries are taken in turns, with %s', (_, T, window, cap) => {
  beforeAll(async () => void (await bootBackend('tensorflow')));
  const [H, K, D] = [4, 2, 2];
  const random = (width: number, seed: number): tf.Tensor2D => tf.randomUniform([T, width], -1, 1, 'float32', seed);

  /** As rowsAttention, in one go, differentiated by tfjs. */
  function plain(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor {
    // (heads, T, D)
    const heads = (x: tf.Tensor, count: number): tf.Tensor => tf.transpose(tf.reshape(x, [T, count, D]), [1, 0, 2]);
    const repeated = (x: tf.Tensor): tf.Tensor =>
      tf.reshape(
        tf.stack(
          Array.from({ length: H / K }, () => heads(x, K)),
          1,
        ),
        [H, T, D],
      );
    const scores = tf.div(tf.matMul(heads(q, H), repeated(k), false, true), tf.scalar(Math.sqrt(D)));
    const capped = cap > 0 ? tf.mul(tf.tanh(tf.div(scores, cap)), cap) : scores;
    const out = tf.matMul(tf.softmax(tf.add(capped, attentionMask(T, T, window))), repeated(v));
    return tf.reshape(tf.transpose(out, [1, 0, 2]), [T, H * D]);
  }

  it('gives what the whole gives, forward and gradient', async () => {
    expect(attentionPieces([T], K, H / K).length).toBeGreaterThan(1);
    const [q, k, v, dy] = [random(H * D, 1), random(K * D, 2), random(K * D, 3), random(H * D, 4)];
    const rows = { B: 1, T, ...fullRows(1, T, 0) };
    const pieceWise = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor): tf.Tensor =>
      rowsAttention(a as tf.Tensor2D, b as tf.Tensor2D, c as tf.Tensor2D, rows, {
        heads: H,
        kvHeads: K,
        window,
        cap,
        mask: rowsMask(T, window),
        tables: null,
      });
    const loss = (f: typeof plain) => tf.grads((a, b, c) => tf.sum(tf.mul(f(a!, b!, c!), dy)));
    expectClose(await pieceWise(q, k, v).data(), await plain(q, k, v).data(), { rtol: 1e-4, atol: 1e-5 }, 'out');
    const [got, want] = [loss(pieceWise)([q, k, v]), loss(plain)([q, k, v])];
    for (const [i, name] of ['dq', 'dk', 'dv'].entries())
      expectClose(await got[i]!.data(), await want[i]!.data(), { rtol: 1e-3, atol: 1e-4 }, name);
  });
});
