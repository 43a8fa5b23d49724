/**
 * Many small tensors as few long vectors, so that what goes element by element over all of them takes a handful of
 * calls instead of hundreds. A vector holds whole tensors, one behind the other; a large tensor is one by itself.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from '../ops/define.ts';

/** Tensors of any shape, in the order of the inputs, to one vector. */
export const joinOp = defineKernel('GraftJoin', (tensors: Record<string, tf.Tensor>): [tf.Tensor1D] => [
  tf.concat(Object.values(tensors).map((t) => tf.reshape(t, [-1]))),
]);

/** A vector to `sizes.length` vectors. */
export const cutOp = defineKernel('GraftCut', ({ x }: { x: tf.Tensor }, { sizes }: { sizes: number[] }): tf.Tensor[] =>
  tf.split(x, sizes),
);

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
  const [first, ...others] = tensors;
  if (first && others.length === 0) return tf.reshape(first, [-1]);
  return joinOp(Object.fromEntries(tensors.map((t, i) => [`t${i}`, t])))[0];
}

/** The tensors that make up `vector`. */
export function cut(vector: tf.Tensor, { shapes }: Span): tf.Tensor[] {
  if (shapes.length === 1) return shapes.map((shape) => tf.reshape(vector, shape));
  const parts = cutOp({ x: vector }, { sizes: shapes.map(sizeOf) });
  return parts.map((part, i) => {
    const tensor = tf.reshape(part, shapes[i] ?? []);
    part.dispose();
    return tensor;
  });
}

const sizeOf = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
