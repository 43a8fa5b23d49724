/** Attributes of libtensorflow's ops. */
import type { TensorflowAttribute, TensorflowBackend } from '../../backends/tfjsInternals.ts';

/** Attribute T, the type of the op's values: always float32 here. */
export function floatType({ binding }: TensorflowBackend): TensorflowAttribute {
  return { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
}

export function flag({ binding }: TensorflowBackend, name: string, value: boolean): TensorflowAttribute {
  return { name, type: binding.TF_ATTR_BOOL, value };
}

export function indexType({ binding }: TensorflowBackend, name: string): TensorflowAttribute {
  return { name, type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 };
}
