/**
 * The largest singular values and vectors of the gradient of each weight, dL/dW (out, in), before anything is trained.
 * No weight needs a gradient of its own: beside W stands a pair with one half fixed and the other zero, so that the
 * gradient of the zero half is G·A^T or B^T·G. With the identity as the fixed half that is G itself, which is taken
 * where a side is narrow; else subspace iteration finds the range of G (Halko et al. 2011, algorithm 4.4), all
 * matrices at once, in the memory of a LoRA of rank k + 16.
 */
import * as tf from '@tensorflow/tfjs-core';
import { setImmediate } from 'node:timers/promises';
import type { LinearModule } from '../engine/model/architecture.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import { replaceValue } from '../engine/model/parameters.ts';
import type { Batch } from '../engine/train/batchLoss.ts';
import { accumulateGradients } from '../engine/train/step.ts';
import { EXACT_UP_TO, principalComponents, type Components } from '../linalg/principalComponents.ts';
import { thinQr } from '../linalg/qr.ts';
import { columnsOf } from '../linalg/vectors.ts';
import { Random } from '../../src-shared/random.ts';
import { LoraAdapter, makePair } from './lora/lora.ts';
import type { LoraPair } from './lora/pair.ts';

const OVERSAMPLING = 16;
const ROUNDS = 3;

interface Sketch {
  pair: LoraPair;
  /** Whether B is what gets a gradient, so that it is G·A^T; else A is, and it is B^T·G. */
  trainsB: boolean;
  /** The fixed half is the identity. */
  whole: boolean;
}

export interface GradientComponents extends Components {
  module: LinearModule;
  /** ||G||_F^2; of wide matrices, of the part that the sketch holds. */
  squaredNorm: number;
}

/**
 * G is the mean over `batches` of the gradient of each batch's mean loss per token. k: components wanted of each
 * matrix, fewer where it is narrower. The model has no adapter. Calls `onBatch` after each pass over a batch.
 */
export async function gradientComponents(
  model: Decoder,
  modules: LinearModule[],
  batches: Batch[],
  { k, seed, onBatch }: { k: number; seed: number; onBatch?: ((done: number) => Promise<void>) | undefined },
): Promise<GradientComponents[]> {
  const sketches = modules.map((module) => newSketch(module, k, seed));
  const adapter = new LoraAdapter(sketches.map(({ pair }) => pair));
  let done = 0;
  const pass = async (): Promise<tf.Tensor2D[]> => {
    const gradients = await meanGradients(model.with(adapter), sketches, batches, async () => {
      await (onBatch?.(++done) ?? setImmediate());
    });
    return gradients;
  };
  try {
    let gradients = await pass();
    if (sketches.some(({ whole }) => !whole))
      for (let round = 1; round < 2 * ROUNDS; round++) {
        for (const [i, sketch] of sketches.entries()) if (!sketch.whole) await turn(sketch, gradients[i]!);
        tf.dispose(gradients);
        gradients = await pass();
      }
    const results: GradientComponents[] = [];
    for (const [i, sketch] of sketches.entries()) results.push(await componentsOf(sketch, gradients[i]!, k, seed));
    tf.dispose(gradients);
    return results;
  } finally {
    adapter.dispose();
  }
}

function newSketch(module: LinearModule, k: number, seed: number): Sketch {
  const { inFeatures, outFeatures, layer, target } = module;
  const narrow = Math.min(inFeatures, outFeatures);
  const whole = narrow <= EXACT_UP_TO;
  const trainsB = !whole || inFeatures <= outFeatures;
  const r = whole ? narrow : Math.min(k + OVERSAMPLING, narrow);
  const zeros = (size: number): Float32Array => new Float32Array(size);
  const fixed = whole
    ? identity(narrow)
    : Random.stream(seed, `gradient ${layer} ${target}`).normal(r * inFeatures, 1 / Math.sqrt(inFeatures));
  const pair = trainsB
    ? makePair(module, fixed, zeros(outFeatures * r), r, 1)
    : makePair(module, zeros(r * inFeatures), fixed, r, 1);
  return { pair, trainsB, whole };
}

function identity(n: number): Float32Array {
  const values = new Float32Array(n * n);
  for (let i = 0; i < n; i++) values[i * n + i] = 1;
  return values;
}

/** Of the half of each pair that is not fixed. */
async function meanGradients(
  model: Decoder,
  sketches: Sketch[],
  batches: Batch[],
  onBatch: () => Promise<void>,
): Promise<tf.Tensor2D[]> {
  const parameters = sketches.map(({ pair, trainsB }) => (trainsB ? pair.B : pair.A));
  let sums: tf.Tensor[] | undefined;
  for (const batch of batches) {
    const { gradients } = tf.tidy(() => {
      const own = accumulateGradients(model, parameters, [batch]).gradients;
      return { gradients: own.map((g, i) => tf.add(sums?.[i] ?? 0, tf.div(g, batches.length))) };
    });
    tf.dispose(sums ?? []);
    sums = gradients;
    await onBatch();
  }
  return sums as tf.Tensor2D[];
}

/** An orthonormal basis of what came out is the fixed half of the next pass, the other way round. */
async function turn(sketch: Sketch, gradient: tf.Tensor2D): Promise<void> {
  const { pair, trainsB } = sketch;
  const { inFeatures, outFeatures } = pair.module;
  const r = pair.A.value.shape[0]!;
  const tall = trainsB ? gradient : tf.tidy(() => tf.transpose(gradient)); // (out, r) or (in, r)
  const rows = trainsB ? outFeatures : inFeatures;
  const basis = thinQr(columnsOf(await tall.data(), rows, r), rows).Q();
  if (!trainsB) tall.dispose();
  if (trainsB) {
    const values = new Float32Array(rows * r);
    basis.forEach((column, j) => column.forEach((x, i) => (values[i * r + j] = x)));
    replaceValue(pair.B, tf.tensor2d(values, [outFeatures, r]));
    replaceValue(pair.A, tf.zeros([r, inFeatures]));
  } else {
    replaceValue(pair.A, tf.tensor2d(Float32Array.from(basis.flatMap((column) => [...column])), [r, inFeatures]));
    replaceValue(pair.B, tf.zeros([outFeatures, r]));
  }
  sketch.trainsB = !trainsB;
}

async function componentsOf(
  { pair, trainsB, whole }: Sketch,
  gradient: tf.Tensor2D,
  k: number,
  seed: number,
): Promise<GradientComponents> {
  const { module, A, B } = pair;
  const { layer, target } = module;
  const wanted = Math.min(k, ...gradient.shape);
  const random = Random.stream(seed, `components ${layer} ${target}`);
  const { U, S, V } = await principalComponents(gradient, wanted, random);
  const squares = tf.tidy(() => tf.sum(tf.square(gradient)));
  const [squaredNorm = NaN] = await squares.data();
  squares.dispose();
  if (whole) return { module, U, S, V, squaredNorm };
  // What was decomposed is G·A^T with orthonormal rows of A, or B^T·G with orthonormal columns of B.
  const lifted = tf.tidy(() =>
    trainsB
      ? tf.matMul(tf.tensor2d(Float32Array.from(V), [wanted, A.value.shape[0]!]), A.value as tf.Tensor2D)
      : tf.matMul(B.value as tf.Tensor2D, tf.tensor2d(Float32Array.from(U), [B.value.shape[1]!, wanted])),
  );
  const values = Float64Array.from(await lifted.data());
  lifted.dispose();
  return trainsB ? { module, U, S, V: values, squaredNorm } : { module, U: values, S, V, squaredNorm };
}
