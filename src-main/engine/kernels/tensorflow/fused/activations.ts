/** GELU and SwiGLU in one pass each; the equations stand in ops/gelu.ts and ops/swiglu.ts. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../../../backends/tfjsInternals.ts';
import { CUBIC, LINEAR } from '../../../ops/gelu.ts';
import type { Graph, Value } from './graph.ts';
import { ELEMENTS } from './pieces.ts';
import { Program } from './program.ts';

/** LINEAR + factor·CUBIC·x^2 */
function polynomial(graph: Graph, x: Value, factor: number): Value {
  const square = graph.binary('Mul', graph.unary('Square', x), graph.constant(factor * CUBIC));
  return graph.binary('AddV2', square, graph.constant(LINEAR));
}

/** sigmoid(2u) */
function gate(graph: Graph, x: Value): Value {
  return graph.unary('Sigmoid', graph.binary('Mul', x, polynomial(graph, x, 1)));
}

/** 1 + v·(1 - s) */
function slope(graph: Graph, v: Value, s: Value): Value {
  const product = graph.binary('Mul', v, graph.binary('Sub', graph.constant(1), s));
  return graph.binary('AddV2', product, graph.constant(1));
}

const gelu = new Program({
  cut: ['x'],
  whole: [],
  outputs: ['y'],
  build: (graph, { x }) => ({ y: graph.binary('Mul', x, gate(graph, x)) }),
});

const geluGrad = new Program({
  cut: ['dy', 'x'],
  whole: [],
  outputs: ['dx'],
  build(graph, { dy, x }) {
    const s = gate(graph, x);
    const inner = graph.binary('Mul', x, polynomial(graph, x, 3));
    return { dx: graph.binary('Mul', dy, graph.binary('Mul', s, slope(graph, inner, s))) };
  },
});

const swiglu = new Program({
  cut: ['gate', 'up'],
  whole: [],
  outputs: ['y'],
  build: (graph, { gate: g, up }) => ({
    y: graph.binary('Mul', graph.binary('Mul', g, graph.unary('Sigmoid', g)), up),
  }),
});

const swigluGrad = new Program({
  cut: ['dy', 'gate', 'up'],
  whole: [],
  outputs: ['dGate', 'dUp'],
  build(graph, { dy, gate: g, up }) {
    const s = graph.unary('Sigmoid', g);
    const dSilu = graph.binary('Mul', s, slope(graph, g, s));
    return {
      dGate: graph.binary('Mul', graph.binary('Mul', dy, up), dSilu),
      dUp: graph.binary('Mul', dy, graph.binary('Mul', g, s)),
    };
  },
});

type Inputs<Names extends string> = Record<Names, tf.TensorInfo>;

/** A kernel of values of any shape, all of one shape. Call it under tidy. */
function elementwise<In extends string, Out extends string>(program: Program<In, never, Out>, outputs: Out[]) {
  return (backend: TensorflowBackend, inputs: Inputs<In>): tf.Tensor[] => {
    const names = Object.keys(inputs) as In[];
    const shape = inputs[names[0]!].shape;
    const flat = {} as Inputs<In>;
    for (const name of names) flat[name] = tf.reshape(inputs[name] as tf.Tensor, [-1]);
    const results = program.run(backend, flat, ELEMENTS);
    return outputs.map((name) => tf.reshape(results[name], shape));
  };
}

export const fusedGelu = elementwise(gelu, ['y']);
export const fusedGeluGrad = elementwise(geluGrad, ['dx']);
export const fusedSwiglu = elementwise(swiglu, ['y']);
export const fusedSwigluGrad = elementwise(swigluGrad, ['dGate', 'dUp']);
