/**
 * One op against a naive float64 reference: outputs, gradients by central differences of that reference, tensors left
 * over.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { Random } from '../../src-shared/random.ts';
import { recordError } from '../checks/errorRecord.ts';
import { expectClose } from '../checks/expectClose.ts';
import { centralDifferences, dot, randomArray, type Array64 } from '../reference/array.ts';

export interface OpCase {
  /** The differentiable inputs by name. */
  inputs: Record<string, Array64>;
  engine: (inputs: Record<string, tf.Tensor>) => tf.Tensor;
  reference: (inputs: Record<string, Array64>) => Array64;
  /** Analytic gradients by input, where central differences would take too long. */
  gradients?: (inputs: Record<string, Array64>, dy: Array64) => Record<string, Float64Array>;
}

/**
 * `rtol` is relative to the largest value of the tensor that is compared. Without `gradients` only the forward pass.
 */
export async function checkOp(op: OpCase, rtol: number, { gradients = true } = {}): Promise<void> {
  const { inputs, engine, reference } = op;
  const before = tf.memory().numTensors;
  const names = Object.keys(inputs);
  const want = reference(inputs);
  const dy = randomArray(want.shape, new Random(99));
  const tensors = names.map((name) => toTensor(inputs[name]!));
  await expectTensor(
    tf.tidy(() => engine(byName(names, tensors))),
    want.data,
    rtol,
    'output',
  );
  if (gradients) await checkGradients(op, tensors, dy, rtol);
  tf.dispose(tensors);
  expect(tf.memory().numTensors).toBe(before);
}

async function checkGradients(
  { inputs, engine, reference, gradients }: OpCase,
  tensors: tf.Tensor[],
  dy: Array64,
  rtol: number,
): Promise<void> {
  const names = Object.keys(inputs);
  const dyTensor = toTensor(dy);
  const got = tf.grads((...values: tf.Tensor[]) => engine(byName(names, values)))(tensors, dyTensor);
  const analytic = gradients?.(inputs, dy);
  for (const [i, name] of names.entries()) {
    const want = analytic?.[name] ?? centralDifferences(() => dot(reference(inputs).data, dy.data), inputs[name]!);
    expect(got[i]!.shape).toEqual(inputs[name]!.shape);
    await expectTensor(got[i]!, want, rtol, `gradient of ${name}`);
  }
  dyTensor.dispose();
}

function byName(names: string[], values: tf.Tensor[]): Record<string, tf.Tensor> {
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}

export async function expectTensor(tensor: tf.Tensor, want: Float64Array, rtol: number, label: string): Promise<void> {
  const got = await tensor.data();
  tensor.dispose();
  recordError(label, got, want);
  expectClose(
    got,
    want,
    { rtol, atol: rtol * want.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-2) },
    label,
  );
}

export function toTensor({ shape, data }: Array64): tf.Tensor {
  return tf.tensor(Float32Array.from(data), shape);
}
