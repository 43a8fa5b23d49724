/**
 * Gradients of tfjs's own kernels, those that forward passes go through. tfjs-core has them too, but only in files that
 * Node cannot load by themselves; the package `@tensorflow/tfjs`, which bundles them, takes a second and 15 MB to load
 * besides. One that is missing here is named by the error of the backward pass (train/gradients.ts).
 */
import * as tf from '@tensorflow/tfjs-core';
import { scatterAddRows } from './scatterAddRows.ts';

type Thunk = () => tf.Tensor;
type Shape = number[];

interface Gradient {
  /** Names of inputs that `gradient` needs; 'all' where the kernel takes a list. */
  inputs?: string[] | 'all';
  /** It needs the output, behind the inputs. */
  output?: boolean;
  /** One thunk per differentiable input; `saved` as `inputs` and `output` say. */
  gradient(dy: tf.Tensor, saved: tf.Tensor[], attributes: Record<string, unknown>): Record<string, Thunk> | Thunk[];
}

/** dy summed over the axes along which an input of `shape` was repeated. */
function unbroadcast(dy: tf.Tensor, shape: Shape): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, dy.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(dy, axes) : dy, shape);
}

/** dy of a reduction over `axis` (all axes without it), with those axes there again, of size 1. */
function withReducedAxes(dy: tf.Tensor, x: Shape, axis: unknown): tf.Tensor {
  const axes = axesOf(axis, x);
  return tf.reshape(
    dy,
    x.map((size, i) => (axes.includes(i) ? 1 : size)),
  );
}

function axesOf(axis: unknown, shape: Shape): number[] {
  return tf.util.parseAxisParam((axis ?? shape.map((_, i) => i)) as number | number[], shape);
}

/** Of y = f(x), element by element, from x. */
function ofInput(slopeTimes: (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor): Gradient {
  return { inputs: ['x'], gradient: (dy, saved) => ofFirst(saved, (x) => ({ x: () => slopeTimes(dy, x) })) };
}

/** Of y = f(x), element by element, from y. */
function ofOutput(slopeTimes: (dy: tf.Tensor, y: tf.Tensor) => tf.Tensor): Gradient {
  return { output: true, gradient: (dy, saved) => ofFirst(saved, (y) => ({ x: () => slopeTimes(dy, y) })) };
}

/** Of a kernel with two inputs that may be broadcast: dy times the slope for each, in the shape of the result. */
function ofPair(
  a: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  b: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): Gradient {
  return {
    inputs: ['a', 'b'],
    gradient: (dy, saved) =>
      ofTwo(saved, (left, right) => ({
        a: () => unbroadcast(a(dy, left, right), left.shape),
        b: () => unbroadcast(b(dy, left, right), right.shape),
      })),
  };
}

function ofFirst<T>([first]: tf.Tensor[], use: (first: tf.Tensor) => T): T {
  if (!first) throw new Error('tfjs has not saved what the gradient needs');
  return use(first);
}

function ofTwo<T>([first, second]: tf.Tensor[], use: (first: tf.Tensor, second: tf.Tensor) => T): T {
  if (!first || !second) throw new Error('tfjs has not saved what the gradient needs');
  return use(first, second);
}

const product: Gradient = {
  inputs: ['a', 'b'],
  gradient: (dy, saved, { transposeA, transposeB }) =>
    ofTwo(saved, (a, b) => ({
      a: () => (transposeA ? tf.matMul(b, dy, !!transposeB, true) : tf.matMul(dy, b, false, !transposeB)),
      b: () => (transposeB ? tf.matMul(dy, a, true, !!transposeA) : tf.matMul(a, dy, !transposeA, false)),
    })),
};

const slice: Gradient = {
  inputs: ['x'],
  gradient: (dy, saved, { begin, size }) =>
    ofFirst(saved, (x) => {
      const [starts = [], sizes = []] = tf.slice_util.parseSliceParams(x, begin as number[], size as number[]);
      const paddings = x.shape.map((length, i): [number, number] => {
        const start = starts[i] ?? 0;
        return [start, length - start - (sizes[i] ?? 0)];
      });
      return { x: () => tf.pad(dy, paddings) };
    }),
};

const concat: Gradient = {
  inputs: 'all',
  gradient: (dy, saved, { axis }) => {
    const [at = 0] = axesOf(axis, dy.shape);
    const sizes = saved.map(({ shape }) => shape[at] ?? 1);
    return tf.split(dy, sizes, at).map((part) => () => part);
  },
};

const gather: Gradient = {
  inputs: ['x', 'indices'],
  gradient: (dy, saved, { axis, batchDims }) =>
    ofTwo(saved, (x, indices) => {
      if (axesOf(axis, x.shape)[0] !== 0 || batchDims)
        throw new Error('gather has a gradient along the first axis only');
      const [count = 1, ...inner] = x.shape;
      const rows = (): tf.Tensor2D => tf.reshape(dy, [indices.size, tf.util.sizeFromShape(inner)]);
      return {
        x: () => tf.reshape(scatterAddRows(rows(), tf.reshape<tf.Rank.R1>(indices, [-1]), count), x.shape),
      };
    }),
};

const reshaped: Gradient = ofInput((dy, x) => tf.reshape(dy, x.shape));
const repeatedMean = (dy: tf.Tensor, x: tf.Tensor, axis: unknown): tf.Tensor => {
  const repeats = axesOf(axis, x.shape).reduce((count, i) => count * (x.shape[i] ?? 1), 1);
  return tf.div(repeated(dy, x, axis), repeats);
};
const repeated = (dy: tf.Tensor, x: tf.Tensor, axis: unknown): tf.Tensor =>
  tf.mul(withReducedAxes(dy, x.shape, axis), tf.ones(x.shape, 'float32'));

const GRADIENTS: Record<string, Gradient> = {
  Add: ofPair(
    (dy) => dy,
    (dy) => dy,
  ),
  Sub: ofPair(
    (dy) => dy,
    (dy) => tf.neg(dy),
  ),
  Multiply: ofPair(
    (dy, _, b) => tf.mul(dy, b),
    (dy, a) => tf.mul(dy, a),
  ),
  RealDiv: ofPair(
    (dy, _, b) => tf.div(dy, b),
    (dy, a, b) => tf.neg(tf.div(tf.mul(dy, a), tf.square(b))),
  ),
  BatchMatMul: product,
  Neg: { gradient: (dy) => ({ x: () => tf.neg(dy) }) },
  Square: ofInput((dy, x) => tf.mul(dy, tf.mul(x, 2))),
  Exp: ofOutput((dy, y) => tf.mul(dy, y)),
  Log: ofInput((dy, x) => tf.div(dy, x)),
  Log1p: ofInput((dy, x) => tf.div(dy, tf.add(x, 1))),
  Softplus: ofInput((dy, x) => tf.mul(dy, tf.sigmoid(x))),
  Sqrt: ofOutput((dy, y) => tf.div(dy, tf.mul(y, 2))),
  Rsqrt: ofOutput((dy, y) => tf.mul(dy, tf.mul(tf.mul(y, tf.square(y)), -0.5))),
  Tanh: ofOutput((dy, y) => tf.mul(dy, tf.sub(1, tf.square(y)))),
  Sigmoid: ofOutput((dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y)))),
  Relu: ofOutput((dy, y) => tf.mul(dy, tf.step(y))),
  Erf: ofInput((dy, x) => tf.mul(dy, tf.mul(tf.exp(tf.neg(tf.square(x))), 2 / Math.sqrt(Math.PI)))),
  Softmax: {
    output: true,
    gradient: (dy, saved, { dim }) =>
      ofFirst(saved, (y) => ({
        logits: () => {
          const weighted = tf.mul(dy, y);
          return tf.sub(weighted, tf.mul(tf.sum(weighted, dim as number, true), y));
        },
      })),
  },
  Sum: {
    inputs: ['x'],
    gradient: (dy, saved, { axis }) => ofFirst(saved, (x) => ({ x: () => repeated(dy, x, axis) })),
  },
  Mean: {
    inputs: ['x'],
    gradient: (dy, saved, { axis }) => ofFirst(saved, (x) => ({ x: () => repeatedMean(dy, x, axis) })),
  },
  Reshape: reshaped,
  ExpandDims: { inputs: ['input'], gradient: (dy, [x]) => ({ input: () => tf.reshape(dy, x?.shape ?? dy.shape) }) },
  Identity: { gradient: (dy) => ({ x: () => tf.clone(dy) }) },
  Cast: { gradient: (dy) => ({ x: () => tf.clone(dy) }) },
  Transpose: {
    gradient: (dy, _, { perm }) => ({
      x: () => tf.transpose(dy, tf.backend_util.getUndoAxesPermutation(perm as number[])),
    }),
  },
  Slice: slice,
  PadV2: {
    inputs: ['x'],
    gradient: (dy, saved, { paddings }) => {
      const begin = (paddings as [number, number][]).map(([before]) => before);
      return ofFirst(saved, (x) => ({ x: () => tf.slice(dy, begin, x.shape) }));
    },
  },
  Concat: concat,
  Pack: { inputs: 'all', gradient: (dy, _, { axis }) => tf.unstack(dy, axis as number).map((part) => () => part) },
  GatherV2: gather,
};

/** Kernels with a gradient of ours. */
export const DIFFERENTIABLE: readonly string[] = [...Object.keys(GRADIENTS), 'SplitV'];

/** Once a backend has been loaded, since tfjs-node brings gradients of its own. May be called again. */
export function registerTfjsGradients(): void {
  for (const [kernelName, { inputs = [], output = false, gradient }] of Object.entries(GRADIENTS))
    tf.registerGradient({
      kernelName,
      ...(inputs === 'all' ? { saveAllInputs: true } : { inputsToSave: inputs }),
      ...(output ? { outputsToSave: [true] } : {}),
      gradFunc: (dy, saved, attributes) =>
        gradient(dy as tf.Tensor, saved, attributes as Record<string, unknown>) as Record<string, Thunk>,
    });
  tf.registerGradient({
    kernelName: 'SplitV',
    // A split into one part gives its gradient by itself, not in a list.
    gradFunc: (dy, _, attributes) => ({ x: () => tf.concat([dy].flat(), attributes['axis'] as number) }),
  });
}
