/**
 * A process that exchanges gradients: `mpirun -np N node exchange.ts REQUEST`. For each size the sum over all
 * processes, and what it takes to get gradients out of the engine and back. The first writes a line of JSON.
 */
import * as tf from '@tensorflow/tfjs-core';
import { bootBackend } from '../../src-main/engine/backends/backends.ts';
import { joinRanks } from '../../src-main/mpi/join.ts';
import { quantile } from '../lib/stats.ts';

export interface ExchangeRequest {
  /** Bytes of the gradients. */
  sizes: number[];
  repetitions: number;
}

export interface Exchange {
  bytes: number;
  /** Medians. */
  sumMs: number;
  handOverMs: number;
}

/** As AdamW.flatten makes them on the processor. */
const VECTOR = 1 << 18;

const { sizes, repetitions } = JSON.parse(process.argv[2]!) as ExchangeRequest;
const ranks = await joinRanks();
if (!ranks) throw new Error('exchange.ts needs mpirun and two processes');
await bootBackend('tensorflow');
const answers: Exchange[] = [];
for (const bytes of sizes) answers.push(await measure(bytes));
if (ranks.rank === 0) process.stdout.write(`${JSON.stringify(answers)}\n`);
ranks.finish();

async function measure(bytes: number): Promise<Exchange> {
  const count = Math.max(1, bytes / 4);
  const values = new Float32Array(count);
  const [sums, handOvers]: [number[], number[]] = [[], []];
  for (let i = 0; i <= repetitions; i++) {
    const vectors = vectorsOf(count);
    const began = performance.now();
    const found = await Promise.all(vectors.map((vector) => vector.data<'float32'>()));
    let end = 0;
    for (const part of found) {
      values.set(part, end);
      end += part.length;
    }
    const out = performance.now() - began;
    ranks!.wait();
    const summing = performance.now();
    ranks!.sum(values);
    const summed = performance.now();
    let start = 0;
    const back = found.map(({ length }) => {
      const part = values.subarray(start, (start += length));
      return tf.tidy(() => tf.neg(tf.tensor1d(part)));
    });
    const handedOver = out + performance.now() - summed;
    tf.dispose([...vectors, ...back]);
    if (i === 0) continue; // the first finds nothing in place
    sums.push(summed - summing);
    handOvers.push(handedOver);
  }
  return { bytes, sumMs: quantile(sums, 0.5), handOverMs: quantile(handOvers, 0.5) };
}

function vectorsOf(count: number): tf.Tensor1D[] {
  return Array.from({ length: Math.ceil(count / VECTOR) }, (_, i) =>
    tf.fill([Math.min(VECTOR, count - i * VECTOR)], i),
  );
}
