/** Looking on while libtensorflow is asked for things. */
import type * as tf from '@tensorflow/tfjs-core';
import type { TensorflowAttribute, TensorflowBackend, TensorflowValues } from '../../../backends/tfjsInternals.ts';

/** Told of all that libtensorflow is asked for. */
export interface OpWatcher {
  ran(op: string, attributes: TensorflowAttribute[], inputs: tf.TensorInfo[], outputs: tf.Tensor[]): void;
  /** A tensor was made of values. */
  made(dataId: object, values: TensorflowValues, shape: number[]): void;
  /** Values were read back. */
  read(dataId: object): void;
}

/** f's result, with the watcher told of what it asks of libtensorflow. */
export function withOpsWatched<T>(backend: TensorflowBackend, watcher: OpWatcher, f: () => T): T {
  const { executeSingleOutput, executeMultipleOutputs, move, readSync } = backend;
  const watched: Partial<TensorflowBackend> = {
    executeSingleOutput(op, attributes, inputs) {
      const output = executeSingleOutput.call(backend, op, attributes, inputs);
      watcher.ran(op, attributes, inputs, [output]);
      return output;
    },
    executeMultipleOutputs(op, attributes, inputs, count) {
      const outputs = executeMultipleOutputs.call(backend, op, attributes, inputs, count);
      watcher.ran(op, attributes, inputs, outputs);
      return outputs;
    },
    move(dataId, values, shape, dtype, refCount) {
      watcher.made(dataId, values, shape);
      move.call(backend, dataId, values, shape, dtype, refCount);
    },
    readSync(dataId) {
      watcher.read(dataId);
      return readSync.call(backend, dataId);
    },
  };
  Object.assign(backend, watched);
  try {
    return f();
  } finally {
    for (const name of Object.keys(watched)) Reflect.deleteProperty(backend, name); // the class has them
  }
}
