/**
 * Writing down what a function of tensors asks of libtensorflow, as a graph that can be run again with other tensors:
 * an op costs some 40 microseconds when it is called from JavaScript, and 2 as a node of a graph.
 */
import { createHash } from 'node:crypto';
import type * as tf from '@tensorflow/tfjs-core';
import type { TensorflowAttribute, TensorflowBackend, TensorflowValues } from '../../../backends/tfjsInternals.ts';
import { booleanValue, integerValue, tensorValue, typeValue, type GraphNode } from '../savedModel.ts';
import { inHalves } from './halves.ts';
import { withOpsWatched, type OpWatcher } from './watchOps.ts';

export interface Recording {
  /** Equal for equal graphs. */
  key: string;
  nodes: GraphNode[];
  /** Placeholders of the function's inputs that it uses, in the order of `places`, then those of `bound`. */
  names: string[];
  /** Which of the inputs the first of `names` stand for. */
  places: number[];
  /** What the function used beside its inputs: weights. */
  bound: tf.TensorInfo[];
  output: string;
}

/** TensorFlow's numbers of the types that tfjs has (types.proto). */
const INTEGER = 3;
const TYPE_NUMBERS: Partial<Record<tf.DataType, number>> = { float32: 1, int32: INTEGER, bool: 10 };

/** Begins the names of what a function uses beside its inputs. */
const BOUND = 'w';

let recording = false;

/** Whether a function is being recorded: kernels then leave everything to libtensorflow. */
export function isRecording(): boolean {
  return recording;
}

/**
 * Runs f, and writes it down unless it does what a graph cannot repeat, such as reading values back. Every tensor that
 * is made of values within f becomes a constant.
 */
export function record(
  backend: TensorflowBackend,
  inputs: readonly tf.Tensor[],
  f: () => tf.Tensor,
): { result: tf.Tensor; recording: Recording | null } {
  backend.getInputTensorIds([...inputs]); // what is on its way to libtensorflow arrives before
  const writer = new GraphWriter(backend, inputs);
  recording = true;
  try {
    const result = withOpsWatched(backend, writer, f);
    return { result, recording: writer.finish(result) };
  } finally {
    recording = false;
  }
}

interface Made {
  values: TensorflowValues;
  shape: number[];
}

class GraphWriter implements OpWatcher {
  private readonly binding: TensorflowBackend['binding'];
  private readonly places: Map<object, number>;
  private readonly nodes: GraphNode[] = [];
  /** The output of a node that stands for the data. */
  private readonly values = new Map<object, string>();
  private readonly fromValues = new Map<object, Made>();
  /** The node of each constant, by type, shape and values: most are shapes, the same in every layer. */
  private readonly constants = new Map<string, string>();
  private readonly used: { name: string; place: number }[] = [];
  private readonly bound: { name: string; tensor: tf.TensorInfo }[] = [];
  private named = 0;
  private possible = true;

  constructor({ binding }: TensorflowBackend, inputs: readonly tf.Tensor[]) {
    this.binding = binding;
    this.places = new Map(inputs.map(({ dataId }, place) => [dataId, place]));
  }

  ran(op: string, attributes: TensorflowAttribute[], inputs: tf.TensorInfo[], outputs: tf.Tensor[]): void {
    const names = inputs.map((input) => this.valueOf(input));
    const written = this.attributesOf(attributes);
    if (!written || names.includes('')) return this.giveUp();
    if (op === 'Cast' && inputs[0]!.dtype === outputs[0]!.dtype) {
      this.values.set(outputs[0]!.dataId, names[0]!);
      return;
    }
    const node = { name: this.nextName(), op, inputs: names, attributes: written };
    const ofWeight = names[1]?.startsWith(BOUND) ?? false;
    const constantOf = (shape: number[], values: number[]): string =>
      this.constant(INTEGER, shape, new Uint8Array(Int32Array.from(values).buffer));
    this.nodes.push(...(ofWeight ? inHalves(node, inputs, constantOf) : [node]));
    outputs.forEach(({ dataId }, i) => this.values.set(dataId, i === 0 ? node.name : `${node.name}:${i}`));
  }

  made(dataId: object, values: TensorflowValues, shape: number[]): void {
    this.fromValues.set(dataId, { values, shape });
  }

  read(dataId: object): void {
    if (!this.fromValues.has(dataId)) this.giveUp();
  }

  finish(result: tf.Tensor): Recording | null {
    const output = this.values.get(result.dataId);
    if (!this.possible || output === undefined) return null;
    const hash = createHash('sha1');
    for (const { name, op, inputs, attributes } of this.nodes) {
      hash.update(`${name} ${op} ${inputs.join()} ${Object.keys(attributes).join()}\n`);
      for (const value of Object.values(attributes)) hash.update(value);
    }
    return {
      key: hash.update(output).digest('hex'),
      nodes: this.nodes,
      names: [...this.used, ...this.bound].map(({ name }) => name),
      places: this.used.map(({ place }) => place),
      bound: this.bound.map(({ tensor }) => tensor),
      output,
    };
  }

  private giveUp(): void {
    this.possible = false;
  }

  private nextName(): string {
    return `n${this.named++}`;
  }

  /** The node that stands for a tensor, added where there is none; '' where there can be none. */
  private valueOf(tensor: tf.TensorInfo): string {
    const known = this.values.get(tensor.dataId);
    if (known !== undefined) return known;
    const type = TYPE_NUMBERS[tensor.dtype];
    if (type === undefined) return ''; // strings, and tfjs-node's own 64-bit scalars
    const name = this.added(tensor, type);
    this.values.set(tensor.dataId, name);
    return name;
  }

  private added(tensor: tf.TensorInfo, type: number): string {
    const place = this.places.get(tensor.dataId);
    const made = this.fromValues.get(tensor.dataId);
    if (place === undefined && made) {
      const { values, shape } = made;
      return this.constant(type, shape, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
    const name = place === undefined ? `${BOUND}${this.bound.length}` : `i${place}`;
    if (place === undefined) this.bound.push({ name, tensor });
    else this.used.push({ name, place });
    return this.node({ name, op: 'Placeholder', inputs: [], attributes: { dtype: typeValue(type) } });
  }

  private constant(type: number, shape: number[], bytes: Uint8Array): string {
    const key = `${type} ${shape.join()} ${Buffer.from(bytes).toString('base64')}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const attributes = { dtype: typeValue(type), value: tensorValue(type, shape, bytes) };
    const name = this.node({ name: this.nextName(), op: 'Const', inputs: [], attributes });
    this.constants.set(key, name);
    return name;
  }

  private node(node: GraphNode): string {
    this.nodes.push(node);
    return node.name;
  }

  /** null where one is of a kind that nothing here has asked for so far. */
  private attributesOf(attributes: TensorflowAttribute[]): GraphNode['attributes'] | null {
    const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_ATTR_INT } = this.binding;
    const written: GraphNode['attributes'] = {};
    for (const { name, type, value } of attributes) {
      if (type === TF_ATTR_BOOL && typeof value === 'boolean') written[name] = booleanValue(value);
      else if (type === TF_ATTR_TYPE && typeof value === 'number') written[name] = typeValue(value);
      else if (type === TF_ATTR_INT && typeof value === 'number') written[name] = integerValue(value);
      else return null;
    }
    return written;
  }
}
