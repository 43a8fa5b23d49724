/**
 * PiSSA (Meng et al. 2024, eq. 2-4): A and B start as the r principal singular vectors of W, B = U·sqrt(S/s),
 * A = sqrt(S/s)·V^T, and the frozen base becomes the residual W - s·BA, so that the model starts out equal to the base.
 * What was learnt is then s·(BA - B0·A0), a plain LoRA of rank 2r on the original W.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usageError } from '../../../src-shared/errors.ts';
import type { LinearInUse } from '../../engine/model/attachment.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { replaceValue } from '../../engine/model/parameters.ts';
import { Random } from '../../../src-shared/random.ts';
import { frozenMatrix } from '../frozenMatrix.ts';
import { makePair } from './lora.ts';
import type { LoraPair } from './pair.ts';
import { principalComponents } from '../../linalg/principalComponents.ts';

interface Start {
  /** (r, in) */
  A: Float32Array;
  /** (out, r) */
  B: Float32Array;
}

/** Pairs that start from the base's principal components. */
export class PissaStart {
  private readonly pairs: LoraPair[];
  private readonly starts: Start[];

  /**
   * Replaces A and B of the pairs, and the weights of `model` that they adapt. Throws PISSA_NEEDS_F32 on packed
   * weights.
   */
  static async of(pairs: LoraPair[], model: Decoder, seed: number): Promise<PissaStart> {
    const starts: Start[] = [];
    for (const pair of pairs)
      starts.push(await startPair(pair, model.inUse(pair.module.layer, pair.module.target), seed));
    return new PissaStart(pairs, starts);
  }

  private constructor(pairs: LoraPair[], starts: Start[]) {
    this.pairs = pairs;
    this.starts = starts;
  }

  /** What has been learnt so far, on the original base: [A; A0] and [B, -B0]. */
  async converted(): Promise<LoraPair[]> {
    const pairs = this.pairs.map(async ({ module, A, B, scale }, i) => {
      const [a, b] = (await Promise.all([A.value.data(), B.value.data()])) as [Float32Array, Float32Array];
      const r = A.value.shape[0]!;
      const { A: a0, B: b0 } = this.starts[i]!;
      const both = new Float32Array(2 * b.length);
      for (let row = 0; row < module.outFeatures; row++) {
        both.set(b.subarray(row * r, (row + 1) * r), 2 * row * r);
        both.set(
          b0.subarray(row * r, (row + 1) * r).map((x) => -x),
          (2 * row + 1) * r,
        );
      }
      return makePair(module, Float32Array.from([...a, ...a0]), both, 2 * r, scale);
    });
    return Promise.all(pairs);
  }
}

async function startPair(pair: LoraPair, at: LinearInUse, seed: number): Promise<Start> {
  const { module, A, B, scale } = pair;
  if (at.weight.packed)
    throw usageError(
      'PISSA_NEEDS_F32',
      'PiSSA changes the base before training, so its weights must be float32; choose the base dtype f32 or ' +
        'another start.',
    );
  const r = A.value.shape[0]!;
  const W = tf.tidy(() => frozenMatrix(at)); // (out, in)
  const { U, S, V } = await principalComponents(W, r, Random.stream(seed, `pissa ${A.name}`));
  W.dispose();
  const root = (k: number): number => Math.sqrt(S[k]! / scale);
  const start = {
    A: Float32Array.from(V, (v, i) => v * root(Math.floor(i / module.inFeatures))),
    B: Float32Array.from(U, (u, i) => u * root(i % r)),
  };
  replaceValue(A, tf.tensor2d(start.A, [r, module.inFeatures]));
  replaceValue(B, tf.tensor2d(start.B, [module.outFeatures, r]));
  replaceValue(
    at.weight,
    tf.tidy(() => residual(pair, at)),
  );
  return start;
}

/** W - s·BA in the weight's own layout; the other parts of a fused layer stay. */
function residual({ module, A, B, scale }: LoraPair, { weight }: LinearInUse): tf.Tensor {
  const { slice, layout } = module;
  const own = tf.mul(tf.matMul(B.value as tf.Tensor2D, A.value as tf.Tensor2D), scale); // (out, in)
  const whole = layout === 'in_out' ? weight.value.shape[1]! : weight.value.shape[0]!;
  const rows = slice
    ? tf.pad(own, [
        [slice.start, whole - slice.end],
        [0, 0],
      ])
    : own;
  return tf.sub(weight.value, layout === 'in_out' ? tf.transpose(rows) : rows);
}
