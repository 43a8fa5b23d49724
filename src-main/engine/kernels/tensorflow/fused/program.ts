/**
 * Arithmetic that libtensorflow's XLA compiles to one pass over its inputs, where op by op it would be one pass each:
 * GELU's gradient takes a tenth of the processor time. What is compiled is bound to its shapes (some 40 ms each), so
 * work of any length is cut into pieces of few sizes along its first axis; two pieces at a time, on two threads.
 */
import * as tf from '@tensorflow/tfjs-core';
import { GRAPH_THREADS, loadGraph } from '../../../backends/tensorflowGraphs.ts';
import { runGraph, type TensorflowBackend } from '../../../backends/tfjsInternals.ts';
import { Graph, type Value } from './graph.ts';
import { Overwritten } from './overwritten.ts';
import { piecesOf, type Piece } from './pieces.ts';
import { savedModelBytes, TAG } from '../savedModel.ts';

/** Pieces under way at once. Each lane is compiled for itself. */
const LANES = Math.min(2, GRAPH_THREADS);

export interface ProgramOptions<Cut extends string, Whole extends string, Out extends string> {
  /** Inputs that are cut along their first axis, all of the same length there. */
  cut: readonly Cut[];
  /** Inputs that every piece takes whole. */
  whole: readonly Whole[];
  outputs: readonly Out[];
  /** Inputs whose memory takes up what an output gives, where rows can be made of it: they are then not read again. */
  overwritten?: Partial<Record<Out, Cut>>;
  build(graph: Graph, values: Record<Cut | Whole, Value>): Record<Out, Value>;
}

type Loaded = { id: number; outputs: Value[][] };

export class Program<Cut extends string, Whole extends string, Out extends string> {
  private readonly options: ProgramOptions<Cut, Whole, Out>;
  private loaded: Loaded | undefined;

  constructor(options: ProgramOptions<Cut, Whole, Out>) {
    this.options = options;
  }

  /**
   * The outputs, each joined along its first axis. `sizes`: of pieces, the largest first; the first axis is not shorter
   * than the last of them. Call it under tidy.
   */
  run(
    backend: TensorflowBackend,
    inputs: Record<Cut | Whole, tf.TensorInfo>,
    sizes: readonly number[],
  ): Record<Out, tf.Tensor> {
    const { cut, whole, outputs } = this.options;
    const tensors = cut.map((name) => asTensor(inputs[name]));
    const total = tensors[0]?.shape[0] ?? 0;
    const pieces = piecesOf(total, sizes);
    const targets = outputs.map((name) => this.targetOf(backend, name, inputs, total));
    const parts: tf.Tensor[][] = [];
    for (let at = 0; at < pieces.length;) {
      const together = pieces.slice(at, at + LANES).filter(({ size }) => size === pieces[at]?.size);
      const results = this.runTogether(
        backend,
        together,
        tensors,
        whole.map((name) => inputs[name]),
      );
      results.forEach((part, k) =>
        targets.forEach((target, i) => target?.put(together[k]!.start + together[k]!.skip, part[i]!)),
      );
      parts.push(...results);
      at += together.length;
    }
    const joined = targets.map((target, i) => target?.whole() ?? joinedRows(parts.flatMap((part) => part[i] ?? [])));
    return Object.fromEntries(outputs.map((name, i) => [name, joined[i]])) as Record<Out, tf.Tensor>;
  }

  private targetOf(
    backend: TensorflowBackend,
    output: Out,
    inputs: Record<Cut | Whole, tf.TensorInfo>,
    total: number,
  ): Overwritten | undefined {
    const name = this.options.overwritten?.[output];
    return name && Overwritten.of(backend, inputs[name], total);
  }

  /** Outputs of each piece. */
  private runTogether(
    backend: TensorflowBackend,
    pieces: Piece[],
    cutInputs: tf.Tensor[],
    wholeInputs: tf.TensorInfo[],
  ): tf.Tensor[][] {
    const { cut, whole } = this.options;
    const { id, outputs } = (this.loaded ??= this.load(backend));
    const slices = pieces.flatMap(({ start, size }) => cutInputs.map((x) => rowsOf(x, start, size)));
    const names = pieces.flatMap((_, lane) => cut.map((name) => laneName(name, lane)));
    const wanted = outputs.slice(0, pieces.length).flat();
    const results = runGraph(backend, id, [...whole, ...names], [...wholeInputs, ...slices], wanted);
    tf.dispose(slices);
    const each = wanted.length / pieces.length;
    return pieces.map(({ size, skip }, lane) =>
      results.slice(lane * each, (lane + 1) * each).map((y) => (skip > 0 ? rowsOf(y, skip, size - skip) : y)),
    );
  }

  private load(backend: TensorflowBackend): Loaded {
    const graph = new Graph();
    const { cut, whole, outputs, build } = this.options;
    const shared = whole.map((name) => [name, graph.placeholder(name)]);
    const values = Array.from({ length: LANES }, (_, lane) => {
      const own = cut.map((name) => [name, graph.placeholder(laneName(name, lane))]);
      const built = build(graph, Object.fromEntries([...shared, ...own]) as Record<Cut | Whole, Value>);
      return outputs.map((name) => built[name]);
    });
    return { id: loadGraph(backend, savedModelBytes(graph.nodes), TAG), outputs: values };
  }
}

function laneName(name: string, lane: number): string {
  return `${name}_${lane}`;
}

function asTensor(info: tf.TensorInfo): tf.Tensor {
  return info as tf.Tensor; // what kernels are given by ops are tensors
}

function rowsOf(x: tf.Tensor, start: number, count: number): tf.Tensor {
  const [rows, ...inner] = x.shape;
  if (start === 0 && count === rows) return tf.clone(x);
  return tf.slice(x, [start, ...inner.map(() => 0)], [count, ...inner]);
}

function joinedRows(parts: tf.Tensor[]): tf.Tensor {
  const [first, ...others] = parts;
  return first && others.length === 0 ? first : tf.concat(parts, 0);
}
