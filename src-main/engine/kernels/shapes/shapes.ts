/** Output shapes of tfjs's kernels from the shapes of their inputs and their attributes. */
import * as tf from '@tensorflow/tfjs-core';

type Shape = number[];

/** Each names as many inputs as its kernel has. */
export type Shapes = (inputs: [Shape, Shape, ...Shape[]], attributes: Record<string, unknown>) => Shape[];

/** Element by element. */
export const SAME = [
  'Exp',
  'Log',
  'Log1p',
  'Softplus',
  'Sqrt',
  'Rsqrt',
  'Square',
  'Tanh',
  'Sigmoid',
  'Neg',
  'Abs',
  'Erf',
  'Relu',
  'Cos',
  'Sin',
  'Reciprocal',
  'IsFinite',
  'IsNan',
  'LogicalNot',
  'ZerosLike',
  'OnesLike',
  'Identity',
  'Cast',
  'ClipByValue',
  'Step',
  'Sign',
  'Softmax',
];

export const WITH_BROADCAST = [
  'Add',
  'Sub',
  'Multiply',
  'RealDiv',
  'FloorDiv',
  'Maximum',
  'Minimum',
  'Pow',
  'SquaredDifference',
  'Equal',
  'NotEqual',
  'Less',
  'LessEqual',
  'Greater',
  'GreaterEqual',
  'LogicalAnd',
  'LogicalOr',
  'FloorMod',
  'Mod',
];

/** Of those, the ones whose results are true or false. */
export const COMPARING = new Set([
  'Equal',
  'NotEqual',
  'Less',
  'LessEqual',
  'Greater',
  'GreaterEqual',
  'LogicalAnd',
  'LogicalOr',
  'LogicalNot',
]);

export const REDUCING = ['Sum', 'Max', 'Min', 'Mean', 'Prod', 'All', 'Any'];

/** These give the memory of their input another shape; libtensorflow does the same. */
export const VIEWS = new Set(['Identity', 'Reshape', 'ExpandDims']);

/** The size along an axis, from the end where it is negative. */
function at(shape: Shape, axis: number): number {
  const size = shape.at(axis);
  if (size === undefined) throw new Error(`the shape ${shape.join('x')} has no axis ${axis}`);
  return size;
}

function placeOf(axis: unknown, shape: Shape): number {
  return at(tf.util.parseAxisParam(axis as number, shape), 0);
}

function added([before, after]: [number, number] = [0, 0]): number {
  return before + after;
}

export const SHAPES: Record<string, Shapes> = {
  BatchMatMul([a, b], { transposeA, transposeB }) {
    const batch = tf.backend_util.assertAndGetBroadcastShape(a.slice(0, -2), b.slice(0, -2));
    return [[...batch, at(a, transposeA ? -1 : -2), at(b, transposeB ? -2 : -1)]];
  },
  Reshape: ([x], { shape }) => [tf.util.inferFromImplicitShape(shape as number[], tf.util.sizeFromShape(x))],
  ExpandDims: ([x], { dim }) => [
    x.toSpliced((dim as number) < 0 ? x.length + 1 + (dim as number) : (dim as number), 0, 1),
  ],
  Transpose: ([x], { perm }) => [(perm as number[]).map((axis) => at(x, axis))],
  Slice: ([x], { begin, size }) => [
    (size as number[]).map((count, i) => (count < 0 ? at(x, i) - at(begin as Shape, i) : count)),
  ],
  Concat(inputs, { axis }) {
    const place = placeOf(axis, inputs[0]);
    const size = inputs.reduce((sum, shape) => sum + at(shape, place), 0);
    return [inputs[0].with(place, size)];
  },
  SplitV([x], { numOrSizeSplits, axis }) {
    const place = placeOf(axis, x);
    const sizes = Array.isArray(numOrSizeSplits)
      ? (numOrSizeSplits as number[])
      : new Array<number>(numOrSizeSplits as number).fill(at(x, place) / (numOrSizeSplits as number));
    return sizes.map((size) => x.with(place, size));
  },
  GatherV2([x, indices], { axis }) {
    const place = placeOf(axis, x);
    return [[...x.slice(0, place), ...indices, ...x.slice(place + 1)]];
  },
  Pack: (inputs, { axis }) => [inputs[0].toSpliced(axis as number, 0, inputs.length)],
  Unpack: ([x], { axis }) => Array.from({ length: at(x, axis as number) }, () => x.toSpliced(axis as number, 1)),
  Tile: ([x], { reps }) => [x.map((size, i) => size * at(reps as Shape, i))],
  Fill: (_, { shape }) => [shape as number[]],
  Range: (_, { start, stop, step }) => [[Math.ceil(((stop as number) - (start as number)) / (step as number))]],
  Select: ([, a]) => [a],
  PadV2: ([x], { paddings }) => [x.map((size, i) => size + added((paddings as [number, number][])[i]))],
  OneHot: ([x], { depth }) => [[...x, depth as number]],
  UnsortedSegmentSum: ([x], { numSegments }) => [[numSegments as number, ...x.slice(1)]],
  ScatterNd: (_, { shape }) => [shape as number[]],
  AddN: ([x]) => [x],
  BroadcastTo: (_, { shape }) => [shape as number[]],
};

/** Of ops/unpackRows.ts and ops/frozenLinear.ts. */
export const OWN: Record<string, Shapes> = {
  GraftUnpackRows: (_, { rows, C }) => [[rows as number, C as number]],
  GraftPackedProduct: ([x], { transposed, rows, C }) => [[at(x, 0), (transposed ? rows : C) as number]],
};
