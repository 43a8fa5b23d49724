/**
 * PiSSA (Meng et al. 2024, eq. 2-4): A and B start as the r principal singular vectors of W, B = U·sqrt(S/s),
 * A = sqrt(S/s)·V^T, on what W is without them (residualStart.ts).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LinearInUse } from '../../engine/model/attachment.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { Random } from '../../../src-shared/random.ts';
import { frozenMatrix } from '../frozenMatrix.ts';
import type { LoraPair } from './pair.ts';
import { principalComponents } from '../../linalg/principalComponents.ts';
import { assertResidualFits, startFrom, type Start } from './residualStart.ts';

/**
 * Replaces A and B of the pairs, and the weights of `model` that they adapt; returns what it put there. Throws
 * PISSA_NEEDS_F32 on packed weights, WEIGHT_IN_PIECES.
 */
export async function startPissa(pairs: LoraPair[], model: Decoder, seed: number): Promise<Start[]> {
  assertResidualFits(pairs, model, 'PiSSA');
  const starts: Start[] = [];
  for (const pair of pairs) {
    const at = model.inUse(pair.module.layer, pair.module.target);
    const start = await principalStart(pair, at, seed);
    startFrom(pair, start, at);
    starts.push(start);
  }
  return starts;
}

async function principalStart({ module, A, scale }: LoraPair, at: LinearInUse, seed: number): Promise<Start> {
  const r = A.value.shape[0]!;
  const W = tf.tidy(() => frozenMatrix(at)); // (out, in)
  const { U, S, V } = await principalComponents(W, r, Random.stream(seed, `pissa ${A.name}`));
  W.dispose();
  const root = (k: number): number => Math.sqrt(S[k]! / scale);
  return {
    A: Float32Array.from(V, (v, i) => v * root(Math.floor(i / module.inFeatures))),
    B: Float32Array.from(U, (u, i) => u * root(i % r)),
  };
}
