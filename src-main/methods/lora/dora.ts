/**
 * DoRA (Liu et al. 2024, eq. 5): W' = m·(W + s·BA)/||W + s·BA||, the norm taken per output and not differentiated
 * (section
 * 4.3). With v = xW + s·(x·A^T)·B^T: y = v·m/norm + bias. The norm comes without W + s·BA itself, as the root of
 * ||W||^2 + 2s·(W·A^T)∘B + s^2·(B·A·A^T)∘B summed per output.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LinearModule } from '../../engine/model/architecture.ts';
import type { LinearInUse } from '../../engine/model/attachment.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { frozenLinear } from '../../engine/ops/frozenLinear.ts';
import { loraLinear } from '../../engine/ops/loraLinear.ts';
import { untaped } from '../../engine/ops/untaped.ts';
import type { LoraPair, Magnitude } from './pair.ts';

/** Rows of the identity that go through a matrix at once, to read it in whatever form it is kept. */
const ROWS_AT_ONCE = 256;

/** y: (N, out) with bias, x: (N, in). Returns (N, out). */
export function doraLinear(
  y: tf.Tensor2D,
  x: tf.Tensor2D,
  pair: LoraPair,
  magnitude: Magnitude,
  at: LinearInUse,
): tf.Tensor2D {
  const [A, B] = [pair.A.value as tf.Tensor2D, pair.B.value as tf.Tensor2D];
  const norm = untaped(() => outputNorms(A, B, pair.scale, (magnitude.squares ??= tf.keep(squaresOf(at))), at));
  const bias = at.bias && ownPart(at.bias.value, at.module);
  const v = loraLinear(x, bias ? tf.sub(y, bias) : y, A, B, pair.scale);
  const scaled: tf.Tensor2D = tf.mul(v, tf.div(magnitude.m.value, norm));
  return bias ? tf.add(scaled, bias) : scaled;
}

/** Gives every pair the magnitude with which the model equals the base while B = 0: the norm of W per output. */
export function withMagnitudes(pairs: LoraPair[], model: Decoder): LoraPair[] {
  return pairs.map((pair) => {
    const value = tf.tidy(() => tf.sqrt(squaresOf(model.inUse(pair.module.layer, pair.module.target))));
    return { ...pair, magnitude: { m: { name: magnitudeName(pair.module), value } } };
  });
}

export function magnitudeName({ layer, target }: LinearModule): string {
  return `${layer}.${target}.lora_magnitude_vector`;
}

/** ||W + s·BA|| per output, (out). */
function outputNorms(
  A: tf.Tensor2D,
  B: tf.Tensor2D,
  s: number,
  squares: tf.Tensor1D,
  { weight, module }: LinearInUse,
): tf.Tensor {
  const WA = tf.transpose(ownPart(frozenLinear(A, weight, undefined, module.layout), module)); // (out, r)
  const gram = tf.matMul(A, A, false, true); // (r, r)
  const both = tf.add(tf.mul(WA, 2 * s), tf.mul(tf.matMul(B, gram), s * s));
  return tf.sqrt(tf.add(squares, tf.sum(tf.mul(both, B), 1)));
}

/** ||W||^2 per output, (out). */
function squaresOf({ weight, module }: LinearInUse): tf.Tensor1D {
  return tf.tidy(() => {
    const inputs = module.inFeatures;
    let sum: tf.Tensor = tf.scalar(0);
    for (let start = 0; start < inputs; start += ROWS_AT_ONCE) {
      const count = Math.min(ROWS_AT_ONCE, inputs - start);
      const some = tf.pad(tf.eye(count), [
        [0, 0],
        [start, inputs - start - count],
      ]) as tf.Tensor2D;
      sum = tf.add(sum, tf.sum(tf.square(ownPart(frozenLinear(some, weight, undefined, module.layout), module)), 0));
    }
    return sum as tf.Tensor1D;
  });
}

/** The columns of a fused layer's output that are the module's own. x: (N, out of the whole) or (out of the whole). */
function ownPart<T extends tf.Tensor>(x: T, { slice }: LinearModule): T {
  if (!slice) return x;
  const start = slice.start;
  const size = slice.end - start;
  return (x.rank === 1
    ? tf.slice(x as tf.Tensor1D, [start], [size])
    : tf.slice(x as tf.Tensor2D, [0, start], [x.shape[0]!, size])) as unknown as T;
}
