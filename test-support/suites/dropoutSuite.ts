/** Dropout on one engine: what it drops, that its gradient drops the same, and that the seed alone decides. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../src-shared/backends.ts';
import { dropout } from '../../src-main/engine/ops/dropout.ts';
import { Random } from '../../src-shared/random.ts';
import { bootOrNote } from '../checks/engineSkip.ts';

const [RATE, N] = [0.25, 20_000];

export async function dropoutSuite(engine: BackendName): Promise<void> {
  const note = await bootOrNote(engine);
  describe.skipIf(note !== '')(`dropout on ${engine}${note}`, () => {
    const masked = async (seed: number): Promise<number[]> => {
      const y = tf.tidy(() => dropout(tf.ones([N]), RATE, seed));
      const values = [...(await y.data())];
      y.dispose();
      return values;
    };

    it('drops the share asked for, anywhere, and keeps the mean', async () => {
      const values = await masked(7);
      expect([...new Set(values)].sort()).toEqual([0, Math.fround(1 / (1 - RATE))]);
      const deviation = 4 * Math.sqrt(RATE * (1 - RATE));
      for (const part of [values, values.slice(0, 2000), values.filter((_, i) => i % 8 === 3)]) {
        expect(Math.abs(part.filter((x) => x === 0).length / part.length - RATE)).toBeLessThan(
          deviation / Math.sqrt(part.length),
        );
      }
      const pairs = values.filter((x, i) => x === 0 && values[i + 1] === 0).length / (N - 1);
      expect(Math.abs(pairs - RATE ** 2)).toBeLessThan(4 * Math.sqrt((RATE ** 2 * 3) / N));
    });

    it('repeats with its seed, and differs with another', async () => {
      const first = await masked(1);
      expect(await masked(1)).toEqual(first);
      const kept = (await masked(2)).filter((x, i) => x !== 0 && first[i] !== 0).length / N;
      expect(Math.abs(kept - (1 - RATE) ** 2)).toBeLessThan(4 * Math.sqrt(0.25 / N));
    });

    it('sends the gradient where the values went, and leaves no tensor', async () => {
      const before = tf.memory().numTensors;
      const [x, dy] = [3, 4].map((seed) => new Random(seed).normal(300));
      const tensors = [tf.tensor1d(x!), tf.tensor1d(dy!)] as const;
      const { value, grad } = tf.tidy(() => ({
        value: dropout(tensors[0], RATE, 5),
        grad: tf.grad((t) => dropout(t, RATE, 5))(...tensors),
      }));
      const [values, slopes] = [await value.data(), await grad.data()];
      values.forEach((y, i) => expect(slopes[i]).toBeCloseTo((y / x![i]!) * dy![i]!, 5));
      tf.dispose([value, grad, ...tensors]);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}
