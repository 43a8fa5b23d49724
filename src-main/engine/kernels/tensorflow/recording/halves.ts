/**
 * libtensorflow computes the product of a few rows with a large matrix on one thread. As two products, each with half
 * of the rows of the matrix (which share its memory), a graph computes it on two.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { FLOAT, INT32, integerValue, type GraphNode } from '../savedModel.ts';

/** Values of a matrix from which on halves pay for the nodes that they take. */
const LARGE = 1 << 17;
const FEW_ROWS = 4;
/** Floats that rows are cut by, so that both halves lie where libtensorflow wants them: else it copies them. */
const ALIGNED = 16;

/** Name of the node of an int32 constant. */
type ConstantOf = (shape: number[], values: number[]) => string;

/**
 * The node itself, or where it is a product of `x` and a weight `w` that pays to be cut, those that take its place, the
 * last under its name.
 */
export function inHalves(node: GraphNode, [x, w]: tf.TensorInfo[], constantOf: ConstantOf): GraphNode[] {
  const { op, attributes } = node;
  const [R = 0, C = 0] = w?.shape ?? [];
  const large = op === 'MatMul' && R * C >= LARGE && C % ALIGNED === 0 && (x?.shape[0] ?? 0) <= FEW_ROWS;
  if (!large || isTrue(attributes['transpose_a'])) return [node];
  return isTrue(attributes['transpose_b']) ? sideBySide(node, R, constantOf) : summed(node, R, constantOf);
}

const isTrue = (value: Buffer | undefined): boolean => value?.at(-1) === 1;

/** [x·W1^T, x·W2^T] */
function sideBySide({ name, inputs: [x, w], attributes }: GraphNode, R: number, constantOf: ConstantOf): GraphNode[] {
  const rows = cut(`${name}w`, w!, R, 0, constantOf);
  const products = rows.outputs.map((part, i) => product(`${name}p${i}`, [x!, part], attributes));
  const joined: GraphNode = {
    name,
    op: 'ConcatV2',
    inputs: [...products.map((one) => one.name), constantOf([], [1])],
    attributes: { N: integerValue(2), T: FLOAT, Tidx: INT32 },
  };
  return [rows.node, ...products, joined];
}

/** x1·W1 + x2·W2 */
function summed({ name, inputs: [x, w], attributes }: GraphNode, R: number, constantOf: ConstantOf): GraphNode[] {
  const columns = cut(`${name}x`, x!, R, 1, constantOf);
  const rows = cut(`${name}w`, w!, R, 0, constantOf);
  const products = rows.outputs.map((part, i) => product(`${name}p${i}`, [columns.outputs[i]!, part], attributes));
  const sum = { name, op: 'AddV2', inputs: products.map((one) => one.name), attributes: { T: FLOAT } };
  return [columns.node, rows.node, ...products, sum];
}

function product(name: string, inputs: string[], attributes: GraphNode['attributes']): GraphNode {
  return { name, op: 'MatMul', inputs, attributes };
}

/** Two parts of `input` along an axis of `size`. */
function cut(
  name: string,
  input: string,
  size: number,
  axis: number,
  constantOf: ConstantOf,
): { node: GraphNode; outputs: string[] } {
  const first = Math.ceil(size / 2);
  const node: GraphNode = {
    name,
    op: 'SplitV',
    inputs: [input, constantOf([2], [first, size - first]), constantOf([], [axis])],
    attributes: { T: FLOAT, Tlen: INT32, num_split: integerValue(2) },
  };
  return { node, outputs: [name, `${name}:1`] };
}
