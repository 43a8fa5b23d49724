/**
 * Whether an engine computes what it should: a product, a norm, causal attention, the loss and the gradient of a LoRA
 * layer, each beside the same formula in plain JavaScript with float64 sums.
 */
import * as tf from '@tensorflow/tfjs-core';
import { attention, attentionMask } from '../../engine/ops/attention.ts';
import { linearCrossEntropy } from '../../engine/ops/linearCrossEntropy.ts';
import { loraLinear } from '../../engine/ops/loraLinear.ts';
import { rmsNorm } from '../../engine/ops/rmsNorm.ts';
import { useBackend } from '../backend.ts';
import type { BackendName, SelfTestCheck, SelfTestResult } from '../../../src-shared/backends.ts';
import {
  columns,
  crossEntropyOf,
  flatAttention,
  normOf,
  product,
  transposed,
  type Matrix,
} from './selfTestReference.ts';

/** float32 sums in another order, and GPUs whose exponentials are good to some 2^-20. */
const TOLERANCE = 2e-5;

interface Case {
  name: string;
  got: () => tf.Tensor;
  want: () => Float64Array;
}

/** Throws ENGINE_UNAVAILABLE when the engine does not start. */
export async function selfTest(engine: BackendName): Promise<SelfTestResult> {
  const started = performance.now();
  const { device } = await useBackend(engine);
  const checks: SelfTestCheck[] = [];
  for (const { name, got, want } of cases()) {
    const result = tf.tidy(got);
    const maxDifference = relativeDifference((await result.data()) as Float32Array, want());
    result.dispose();
    checks.push({ name, maxDifference, tolerance: TOLERANCE, passed: maxDifference <= TOLERANCE });
  }
  return {
    engine,
    device,
    checks,
    passed: checks.every(({ passed }) => passed),
    elapsedMs: performance.now() - started,
  };
}

/** Largest difference as a share of the largest wanted value; Infinity for NaN or another length. */
export function relativeDifference(got: ArrayLike<number>, want: Float64Array): number {
  if (got.length !== want.length) return Infinity;
  const scale = want.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs(got[i]! - want[i]!) / scale;
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst;
}

function cases(): Case[] {
  const [N, IN, OUT, R] = [19, 48, 33, 4];
  const x = waves(N, IN, 1);
  const W = waves(OUT, IN, 2);
  const A = waves(R, IN, 3);
  const B = waves(OUT, R, 4);
  const scale = 2;
  return [
    {
      name: 'Matrix product',
      got: () => tf.matMul(tensor(x), tensor(W), false, true),
      want: () => product(x, transposed(W)).values,
    },
    {
      name: 'RMS norm',
      got: () => rmsNorm(tensor(x), tf.tensor1d(columns(W, 0, IN)), 1e-5),
      want: () => normOf(x, columns(W, 0, IN), 1e-5),
    },
    attentionCase(),
    lossCase(),
    {
      name: 'Gradient of a LoRA layer',
      // d/dB of |y|²/2 with y = scale·(xA')B': scale·y'(xA').
      got: () =>
        tf.grad((b: tf.Tensor) =>
          tf.div(tf.sum(tf.square(loraLinear(tensor(x), tf.zeros([N, OUT]), tensor(A), b as tf.Tensor2D, scale))), 2),
        )(tensor(B)),
      want: () => {
        const low = product(x, transposed(A));
        const y = scaled(product(low, transposed(B)), scale);
        return scaled(product(transposed(y), low), scale).values;
      },
    },
  ];
}

function attentionCase(): Case {
  const [H, K, T, D] = [4, 2, 9, 8];
  const [q, k, v] = [waves(H * T, D, 5), waves(K * T, D, 6), waves(K * T, D, 7)];
  const grid = (m: Matrix, heads: number): tf.Tensor4D => tf.tensor4d(Float32Array.from(m.values), [1, heads, T, D]);
  return {
    name: 'Causal attention',
    got: () => attention(grid(q, H), grid(k, K), grid(v, K), attentionMask(T, T, 0), { window: 0, cap: 0 }),
    want: () => flatAttention({ q, k, v, heads: H, keyHeads: K, T }),
  };
}

function lossCase(): Case {
  const [h, w] = [waves(12, 16, 8), waves(50, 16, 9)];
  const labels = Int32Array.from({ length: 12 }, (_, i) => (i * 7) % 50);
  return {
    name: 'Cross-entropy',
    got: () =>
      linearCrossEntropy(tensor(h), { name: 'w', value: tensor(w) }, tf.tensor1d(labels, 'int32'), {
        gradients: false,
        trainW: false,
      }),
    want: () => Float64Array.of(crossEntropyOf(h, w, labels)),
  };
}

/** Repeatable float32 values in (-1, 1). */
function waves(rows: number, width: number, seed: number): Matrix {
  return {
    rows,
    width,
    values: Float64Array.from({ length: rows * width }, (_, i) => Math.fround(Math.sin(12.9898 * i + 78.233 * seed))),
  };
}

function tensor({ rows, width, values }: Matrix): tf.Tensor2D {
  return tf.tensor2d(Float32Array.from(values), [rows, width]);
}

function scaled(m: Matrix, factor: number): Matrix {
  return { ...m, values: m.values.map((value) => value * factor) };
}
