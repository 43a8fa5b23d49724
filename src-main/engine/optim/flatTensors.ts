/**
 * Many small tensors as few long vectors, so that what goes element by element over all of them takes a handful of
 * calls instead of hundreds. A vector holds whole tensors, one behind the other; a large tensor is one by itself.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from '../ops/define.ts';

/** Tensors of any shape, in the order of the inputs, to one vector. */
const joinKernel = defineKernel('GraftJoin', (tensors) => [
  tf.concat(Object.values(tensors).map((t) => tf.reshape(t, [-1]))),
]);

/** A vector to `sizes.length` vectors. */
const cutKernel = defineKernel('GraftCut', ({ x }, { sizes }) => tf.split(x!, sizes as number[]));

/** The tensors of one vector: `shapes` of those from index `first`. */
export interface Span {
  first: number;
  shapes: number[][];
  size: number;
}

/** As few vectors as whole tensors allow, each of at most `most` values unless one tensor has more. */
export function spansOf(shapes: number[][], most: number): Span[] {
  const spans: Span[] = [];
  shapes.forEach((shape, i) => {
    const size = sizeOf(shape);
    const last = spans.at(-1);
    if (!last || last.size + size > most) return spans.push({ first: i, shapes: [shape], size });
    last.shapes.push(shape);
    last.size += size;
  });
  return spans;
}

/** One vector of `tensors`, in their order. */
export function join(tensors: tf.Tensor[]): tf.Tensor1D {
  if (tensors.length === 1) return tf.reshape(tensors[0]!, [-1]);
  return joinKernel(Object.fromEntries(tensors.map((t, i) => [`t${i}`, t])))[0] as tf.Tensor1D;
}

/** The tensors that make up `vector`. */
export function cut(vector: tf.Tensor, { shapes }: Span): tf.Tensor[] {
  if (shapes.length === 1) return [tf.reshape(vector, shapes[0]!)];
  const parts = cutKernel({ x: vector }, { sizes: shapes.map(sizeOf) });
  return parts.map((part, i) => {
    const tensor = tf.reshape(part, shapes[i]!);
    part.dispose();
    return tensor;
  });
}

const sizeOf = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
