/** A vector that is overwritten piece by piece with what is computed from it, instead of being made anew. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../../../backends/tfjsInternals.ts';
import { inPlace, reshaped } from '../inPlace.ts';

/** Values of a row at most, and at least: with shorter ones the loop over the rows takes longer than a copy. */
const LONGEST_ROW = 1 << 12;
const SHORTEST_ROW = 1 << 6;

export class Overwritten {
  private readonly backend: TensorflowBackend;
  private readonly width: number;
  /** (size / width, width) */
  private matrix: tf.Tensor;

  private constructor(backend: TensorflowBackend, vector: tf.TensorInfo, width: number) {
    this.backend = backend;
    this.width = width;
    this.matrix = reshaped(backend, vector, [-1, width]);
  }

  /** undefined where a vector of this size is no matrix of rows that pieces begin and end with. */
  static of(backend: TensorflowBackend, vector: tf.TensorInfo, size: number): Overwritten | undefined {
    let width = 1;
    while (size % (2 * width) === 0 && width < LONGEST_ROW) width *= 2;
    return vector.shape.length === 1 && width >= SHORTEST_ROW ? new Overwritten(backend, vector, width) : undefined;
  }

  /** Values from index `start` on. Frees them. */
  put(start: number, values: tf.Tensor): void {
    const first = start / this.width;
    const rows = tf.range(first, first + values.size / this.width, 1, 'int32');
    this.matrix = inPlace(this.backend, 'InplaceUpdate', this.matrix, rows, tf.reshape(values, [-1, this.width]));
    values.dispose();
  }

  whole(): tf.Tensor {
    return reshaped(this.backend, this.matrix, [-1]);
  }
}
