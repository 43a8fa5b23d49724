/** Output shapes of tfjs's kernels from the shapes of their inputs and their attributes. */
import * as tf from '@tensorflow/tfjs-core';

export type Shapes = (inputs: number[][], attributes: Record<string, unknown>) => number[][];

/** Element by element. */
export const SAME = [
  'Exp',
  'Log',
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

export const REDUCING = ['Sum', 'Max', 'Min', 'Mean', 'Prod', 'All', 'Any'];

/** These give the memory of their input another shape; libtensorflow does the same. */
export const VIEWS = new Set(['Identity', 'Reshape', 'ExpandDims']);

export const SHAPES: Record<string, Shapes> = {
  BatchMatMul([a, b], { transposeA, transposeB }) {
    const batch = tf.backend_util.assertAndGetBroadcastShape(a!.slice(0, -2), b!.slice(0, -2));
    return [[...batch, a!.at(transposeA ? -1 : -2)!, b!.at(transposeB ? -2 : -1)!]];
  },
  Reshape: ([x], { shape }) => [tf.util.inferFromImplicitShape(shape as number[], tf.util.sizeFromShape(x!))],
  ExpandDims: ([x], { dim }) => [
    x!.toSpliced((dim as number) < 0 ? x!.length + 1 + (dim as number) : (dim as number), 0, 1),
  ],
  Transpose: ([x], { perm }) => [(perm as number[]).map((axis) => x![axis]!)],
  Slice: ([x], { begin, size }) => [
    (size as number[]).map((count, i) => (count < 0 ? x![i]! - (begin as number[])[i]! : count)),
  ],
  Concat(inputs, { axis }) {
    const at = tf.util.parseAxisParam(axis as number, inputs[0]!)[0]!;
    return [
      inputs[0]!.with(
        at,
        inputs.reduce((sum, shape) => sum + shape[at]!, 0),
      ),
    ];
  },
  SplitV([x], { numOrSizeSplits, axis }) {
    const at = tf.util.parseAxisParam(axis as number, x!)[0]!;
    const sizes = Array.isArray(numOrSizeSplits)
      ? (numOrSizeSplits as number[])
      : new Array<number>(numOrSizeSplits as number).fill(x![at]! / (numOrSizeSplits as number));
    return sizes.map((size) => x!.with(at, size));
  },
  GatherV2([x, indices], { axis }) {
    const at = tf.util.parseAxisParam(axis as number, x!)[0]!;
    return [[...x!.slice(0, at), ...indices!, ...x!.slice(at + 1)]];
  },
  Pack: (inputs, { axis }) => [inputs[0]!.toSpliced(axis as number, 0, inputs.length)],
  Unpack: ([x], { axis }) => Array.from({ length: x![axis as number]! }, () => x!.toSpliced(axis as number, 1)),
  Tile: ([x], { reps }) => [x!.map((size, i) => size * (reps as number[])[i]!)],
  Fill: (_, { shape }) => [shape as number[]],
  Range: (_, { start, stop, step }) => [[Math.ceil(((stop as number) - (start as number)) / (step as number))]],
  Select: ([, a]) => [a!],
  PadV2: ([x], { paddings }) => [x!.map((size, i) => size + (paddings as number[][])[i]!.reduce((p, q) => p + q, 0))],
  OneHot: ([x], { depth }) => [[...x!, depth as number]],
  UnsortedSegmentSum: ([x], { numSegments }) => [[numSegments as number, ...x!.slice(1)]],
  ScatterNd: (_, { shape }) => [shape as number[]],
  AddN: ([x]) => [x!],
  BroadcastTo: (_, { shape }) => [shape as number[]],
};
