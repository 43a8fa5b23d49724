import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { bootBackend } from '../backends/backends.ts';
import { fullRows } from '../model/packing.ts';
import { attentionMask } from './attention.ts';
import { attentionPieces, type Piece } from './attentionPieces.ts';
import { rowsAttention } from './rowsAttention.ts';

const scoresOf = ({ rows, length, heads }: Piece, group: number): number => rows * heads * group * length * length;

describe('pieces', () => {
  it.each([
    [[3, 3, 3, 5, 3], 4, 2, 1000],
    [[3, 3, 3, 5, 3], 4, 2, 150],
    [[10, 10], 3, 1, 150],
    [[1], 1, 1, 1],
    [[7, 2, 2, 9], 2, 3, 1],
  ])(
    '%j rows, %i key heads of %i: every token and head once, at most %i scores unless one head has more',
    (lengths, K, group, limit) => {
      const seen = new Map<string, number>();
      for (const piece of attentionPieces(lengths, K, group, limit).flat()) {
        const { start, rows, length, firstHead, heads } = piece;
        for (let token = start; token < start + rows * length; token++) {
          for (let head = firstHead; head < firstHead + heads; head++)
            seen.set(`${token} ${head}`, (seen.get(`${token} ${head}`) ?? 0) + 1);
        }
        if (rows > 1 || heads > 1) expect(scoresOf(piece, group)).toBeLessThanOrEqual(limit);
      }
      const tokens = lengths.reduce((a, b) => a + b, 0);
      expect(seen.size).toBe(tokens * K);
      expect([...seen.values()].every((count) => count === 1)).toBe(true);
    },
  );

  it('rows of equal length stay together, and so do the heads, while they fit', () => {
    expect(attentionPieces([4, 4, 6], 2, 1)).toEqual([
      [{ start: 0, rows: 2, length: 4, firstHead: 0, heads: 2 }],
      [{ start: 8, rows: 1, length: 6, firstHead: 0, heads: 2 }],
    ]);
  });
});

describe('a row so long that its heads are taken one by one', () => {
  beforeAll(async () => void (await bootBackend('tensorflow')));
  const [T, H, K, D] = [1500, 4, 2, 2];
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
    const out = tf.matMul(tf.softmax(tf.add(scores, attentionMask(T, T, 0))), repeated(v));
    return tf.reshape(tf.transpose(out, [1, 0, 2]), [T, H * D]);
  }

  it('gives what the whole gives, forward and gradient', async () => {
    expect(attentionPieces([T], K, H / K)[0]!.length).toBe(2);
    const [q, k, v, dy] = [random(H * D, 1), random(K * D, 2), random(K * D, 3), random(H * D, 4)];
    const rows = { B: 1, T, ...fullRows(1, T, 0) };
    const pieceWise = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor): tf.Tensor =>
      rowsAttention(a as tf.Tensor2D, b as tf.Tensor2D, c as tf.Tensor2D, rows, {
        heads: H,
        kvHeads: K,
        window: 0,
        cap: 0,
        mask: attentionMask(T, T, 0),
        tables: null,
      });
    const loss = (f: typeof plain) => tf.grads((a, b, c) => tf.sum(tf.mul(f(a!, b!, c!), dy)));
    expectClose(await pieceWise(q, k, v).data(), await plain(q, k, v).data(), { rtol: 1e-4, atol: 1e-5 }, 'out');
    const [got, want] = [loss(pieceWise)([q, k, v]), loss(plain)([q, k, v])];
    for (const [i, name] of ['dq', 'dk', 'dv'].entries())
      expectClose(await got[i]!.data(), await want[i]!.data(), { rtol: 1e-3, atol: 1e-4 }, name);
  });
});
