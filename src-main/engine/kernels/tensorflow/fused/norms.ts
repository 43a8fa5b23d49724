/** Norms of a residual sum and their gradients in one pass each; the equations: ops/layerNorm.ts, ops/rmsNorm.ts. */
import type * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../../../backends/tfjsInternals.ts';
import type { Graph, Value } from './graph.ts';
import { rowSizes } from './pieces.ts';
import { Program } from './program.ts';

function inverseRoot(graph: Graph, meanSquare: Value, eps: Value): Value {
  return graph.unary('Rsqrt', graph.binary('AddV2', meanSquare, eps));
}

const addLayerNorm = new Program({
  cut: ['x', 'f'],
  whole: ['w', 'b', 'eps'],
  outputs: ['sum', 'y', 'normed', 'inverse'],
  build(graph, { x, f, w, b, eps }) {
    const sum = graph.binary('AddV2', x, f);
    const centred = graph.binary('Sub', sum, graph.meanOfRows(sum));
    const inverse = inverseRoot(graph, graph.meanOfRows(graph.unary('Square', centred)), eps);
    const normed = graph.binary('Mul', centred, inverse);
    return { sum, y: graph.binary('AddV2', graph.binary('Mul', normed, w), b), normed, inverse };
  },
});

const layerNormGrad = new Program({
  cut: ['dy', 'normed', 'inverse', 'others'],
  whole: ['w'],
  outputs: ['dx'],
  build(graph, { dy, w, normed, inverse, others }) {
    const g = graph.binary('Mul', dy, w);
    const projected = graph.binary('Mul', normed, graph.meanOfRows(graph.binary('Mul', g, normed)));
    const centred = graph.binary('Sub', graph.binary('Sub', g, graph.meanOfRows(g)), projected);
    return { dx: graph.binary('AddV2', graph.binary('Mul', inverse, centred), others) };
  },
});

const addRmsNorm = new Program({
  cut: ['x', 'f'],
  whole: ['w', 'eps'],
  outputs: ['sum', 'y', 'inverse'],
  build(graph, { x, f, w, eps }) {
    const sum = graph.binary('AddV2', x, f);
    const inverse = inverseRoot(graph, graph.meanOfRows(graph.unary('Square', sum)), eps);
    return { sum, y: graph.binary('Mul', graph.binary('Mul', sum, inverse), w), inverse };
  },
});

const rmsNormGrad = new Program({
  cut: ['dy', 'x', 'inverse', 'others'],
  whole: ['w'],
  outputs: ['dx'],
  build(graph, { dy, x, w, inverse, others }) {
    const g = graph.binary('Mul', dy, w);
    const n = graph.binary('Mul', x, inverse);
    const projected = graph.binary('Mul', n, graph.meanOfRows(graph.binary('Mul', g, n)));
    return { dx: graph.binary('AddV2', graph.binary('Mul', inverse, graph.binary('Sub', g, projected)), others) };
  },
});

type Inputs<Names extends string> = Record<Names, tf.TensorInfo>;

/** x, f: (N, C); w, b: (C); eps: a scalar. Returns sum, y, normed, inverse as ops/layerNorm.ts. Call it under tidy. */
export function fusedAddLayerNorm(
  backend: TensorflowBackend,
  inputs: Inputs<'x' | 'f' | 'w' | 'b' | 'eps'>,
): [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor] {
  const { sum, y, normed, inverse } = addLayerNorm.run(backend, inputs, sizesFor(inputs.x));
  return [sum, y, normed, inverse];
}

/** dy, normed, others: (N, C); inverse: (N, 1); w: (C). Returns dx. Call it under tidy. */
export function fusedLayerNormGrad(
  backend: TensorflowBackend,
  inputs: Inputs<'dy' | 'normed' | 'inverse' | 'others' | 'w'>,
): tf.Tensor {
  return layerNormGrad.run(backend, inputs, sizesFor(inputs.dy)).dx;
}

/** x, f: (N, C); w: (C); eps: a scalar. Returns sum, y, inverse as ops/rmsNorm.ts. Call it under tidy. */
export function fusedAddRmsNorm(
  backend: TensorflowBackend,
  inputs: Inputs<'x' | 'f' | 'w' | 'eps'>,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const { sum, y, inverse } = addRmsNorm.run(backend, inputs, sizesFor(inputs.x));
  return [sum, y, inverse];
}

/** dy, x, others: (N, C); inverse: (N, 1); w: (C). Returns dx. Call it under tidy. */
export function fusedRmsNormGrad(
  backend: TensorflowBackend,
  inputs: Inputs<'dy' | 'x' | 'inverse' | 'others' | 'w'>,
): tf.Tensor {
  return rmsNormGrad.run(backend, inputs, sizesFor(inputs.dy)).dx;
}

/** Sizes of pieces of an (N, C) matrix. */
export function sizesFor({ shape }: tf.TensorInfo): readonly number[] {
  return rowSizes(shape.at(-1) ?? 1);
}
