/** AdamW's update of a vector in one pass; the equations stand in optim/adamw.ts. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../../../backends/tfjsInternals.ts';
import type { AdamWInputs, AdamWRates } from '../../../optim/adamw.ts';
import type { Graph, Value } from './graph.ts';
import { ELEMENTS } from './pieces.ts';
import { Program } from './program.ts';

const RATES = ['beta1', 'beta2', 'eps', 'keep', 'rate', 'root'] as const;

/** factor·before + (1 - factor)·now */
function decayed(graph: Graph, before: Value, factor: Value, now: Value): Value {
  const rest = graph.binary('Sub', graph.constant(1), factor);
  return graph.binary('AddV2', graph.binary('Mul', before, factor), graph.binary('Mul', now, rest));
}

const adamw = new Program({
  cut: ['p', 'm', 'v', 'g'],
  whole: ['scale', ...RATES],
  outputs: ['p', 'm', 'v'],
  overwritten: { m: 'm', v: 'v' },
  build(graph, { p, m, v, g, scale, beta1, beta2, eps, keep, rate, root }) {
    const scaled = graph.binary('Mul', g, scale);
    const nextM = decayed(graph, m, beta1, scaled);
    const nextV = decayed(graph, v, beta2, graph.unary('Square', scaled));
    const denominator = graph.binary('AddV2', graph.binary('Mul', graph.unary('Sqrt', nextV), root), eps);
    const change = graph.binary('Mul', graph.binary('RealDiv', nextM, denominator), rate);
    return { p: graph.binary('Sub', graph.binary('Mul', p, keep), change), m: nextM, v: nextV };
  },
});

/** p, m, v, g: (size); scale: a scalar. Returns p, m, v, the last two in the memory of m and v. Call it under tidy. */
export function fusedAdamW(
  backend: TensorflowBackend,
  inputs: { [Name in keyof AdamWInputs]: tf.TensorInfo },
  rates: AdamWRates,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const scalars = Object.fromEntries(RATES.map((name) => [name, tf.scalar(rates[name])]));
  const { p, m, v } = adamw.run(
    backend,
    { ...inputs, ...scalars } as Record<keyof AdamWInputs | (typeof RATES)[number], tf.TensorInfo>,
    ELEMENTS,
  );
  return [p, m, v];
}
