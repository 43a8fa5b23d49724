/** libtensorflow's ops called by name, past tfjs's wrappers around them. */
import type * as tf from '@tensorflow/tfjs-core';

interface OpAttribute {
  name: string;
  type: number;
  value: number | boolean;
}

/** What we use of tfjs-node's NodeJSKernelBackend. */
export interface TensorflowBackend {
  isUsingGpuDevice: boolean;
  binding: { TF_ATTR_TYPE: number; TF_ATTR_BOOL: number; TF_FLOAT: number; TF_INT32: number };
  executeSingleOutput(op: string, attributes: OpAttribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  readSync(dataId: object): Float32Array;
  write(values: Float32Array, shape: number[], dtype: 'float32'): object;
}

/** The attribute T, the type of the op's values: always float32 here. */
export function floatType({ binding }: TensorflowBackend): OpAttribute {
  return { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
}

export function flag({ binding }: TensorflowBackend, name: string, value: boolean): OpAttribute {
  return { name, type: binding.TF_ATTR_BOOL, value };
}

export function indexType({ binding }: TensorflowBackend, name: string): OpAttribute {
  return { name, type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 };
}
