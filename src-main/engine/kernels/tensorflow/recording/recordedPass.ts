/**
 * A function of tensors that is called again and again, run as a graph once it has been seen to be the same graph. What
 * is written down is trusted after two calls have been written down alike: a value that changes from call to call and
 * is no input would stand in the graph as a constant.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { runGraph, tensorflowBackend, type TensorflowBackend } from '../../../backends/tfjsInternals.ts';
import { writesInPlace } from '../../../ops/cacheWrite.ts';
import { KnownGraphs } from './knownGraphs.ts';
import { record, type Recording } from './record.ts';

export interface RecordedPassOptions {
  /** Calls before the first is written down, which takes as long as some others. */
  callsBefore?: number;
  /** Calls that a graph could have taken before it is loaded, which takes libtensorflow a second. */
  callsWorthLoading?: number;
}

/** Recordings that no other was like before none is tried any more. */
const MOST_DIFFERENT = 3;

const known = new KnownGraphs();

export class RecordedPass {
  /** Calls that a graph has taken. */
  replayed = 0;
  private readonly callsBefore: number;
  private readonly callsWorthLoading: number;
  private shapes = '';
  private calls = 0;
  private different = 0;
  private recording: Recording | undefined;

  constructor({ callsBefore = 3, callsWorthLoading = 24 }: RecordedPassOptions = {}) {
    this.callsBefore = callsBefore;
    this.callsWorthLoading = callsWorthLoading;
  }

  /** f's result. `inputs` are all tensors that differ between two calls; what else f uses stays as it is. */
  call(inputs: readonly tf.Tensor[], f: () => tf.Tensor): tf.Tensor {
    // Where the cache is copied, as on a card, there is nothing to record.
    if (!writesInPlace() || this.different >= MOST_DIFFERENT) return f();
    const backend = tensorflowBackend();
    const shapes = inputs.map(({ shape }) => shape.join('x')).join();
    if (shapes !== this.shapes) this.recording = undefined;
    this.shapes = shapes;
    if (this.recording?.bound.every(({ dataId }) => backend.tensorMap.has(dataId)))
      return this.replay(backend, this.recording, inputs) ?? f();
    this.recording = undefined;
    return this.calls++ < this.callsBefore ? f() : this.written(backend, inputs, f);
  }

  /** For when another function is to be called from now on. */
  forget(): void {
    this.recording = undefined;
    this.calls = 0;
    this.different = 0;
  }

  private written(backend: TensorflowBackend, inputs: readonly tf.Tensor[], f: () => tf.Tensor): tf.Tensor {
    const { result, recording } = record(backend, inputs, f);
    if (!recording) this.different = MOST_DIFFERENT;
    else if (known.add(recording.key)) this.recording = recording;
    else this.different++;
    return result;
  }

  /** undefined while the graph is not worth loading. */
  private replay(
    backend: TensorflowBackend,
    { key, nodes, names, places, bound, output }: Recording,
    inputs: readonly tf.Tensor[],
  ): tf.Tensor | undefined {
    const id = known.loaded(backend, key, nodes, this.callsWorthLoading);
    if (id === undefined) return undefined;
    this.replayed++;
    const tensors = [...places.map((place) => inputs[place]!), ...bound];
    return runGraph(backend, id, names, tensors, [output])[0];
  }
}
