/** How fast the current backend multiplies matrices: the half-second measurement behind `auto`. */
import * as tf from '@tensorflow/tfjs-core';

const SIZE = 256;
const BUDGET_MS = 500;

/** GFLOP/s of 256 x 256 float32 products, timed for half a second after one warm-up. */
export async function measureGflops(): Promise<number> {
  const a = tf.randomUniform<tf.Rank.R2>([SIZE, SIZE], -1, 1, 'float32', 1);
  await multiply(a, 1);
  const start = performance.now();
  let products = 0;
  while (performance.now() - start < BUDGET_MS) {
    await multiply(a, 8);
    products += 8;
  }
  const seconds = (performance.now() - start) / 1000;
  a.dispose();
  return (products * 2 * SIZE ** 3) / seconds / 1e9;
}

/** `count` products, the last one read back so that the device has finished. */
async function multiply(a: tf.Tensor2D, count: number): Promise<void> {
  const last = tf.tidy(() => {
    let c = tf.matMul(a, a);
    for (let i = 1; i < count; i++) c = tf.matMul(a, a);
    return c;
  });
  await last.data();
  last.dispose();
}
