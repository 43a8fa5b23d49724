/** A decoder with random weights on the current backend, made without any file. */
import * as tf from '@tensorflow/tfjs-core';
import { expectedTensors } from '../src-main/basemodel/expectedTensors.ts';
import type { ArchitectureSpec } from '../src-main/engine/model/architecture.ts';
import { Decoder } from '../src-main/engine/model/decoder.ts';
import { Random } from '../src-main/engine/random.ts';

/** Matrices N(0, 0.2^2), norm weights and biases N(1, 0.1^2). */
export function randomModel(spec: ArchitectureSpec, seed: number): Decoder {
  const entries = expectedTensors(spec, {}).filter(({ optional }) => !optional);
  const weights = entries.map(({ name, shape }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const random = Random.stream(seed, name);
    const values = shape.length === 1 ? random.normal(count, 0.1).map((x) => 1 + x) : random.normal(count, 0.2);
    return [name, { name, value: tf.tensor(values, shape) }] as const;
  });
  return new Decoder(spec, new Map(weights));
}
