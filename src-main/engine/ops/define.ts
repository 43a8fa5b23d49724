/**
 * One way to add an op of our own: a kernel under a name on every backend, with a registered gradient.
 * The kernel given here is the fallback, written in tfjs ops; a backend's own fast kernel replaces it by
 * registering under the same name first (see kernels/). It does not know any particular op.
 */
import * as tf from '@tensorflow/tfjs-core';

/** `shapes` computes nothing (backend/shapes.ts). */
const BACKENDS = ['tensorflow', 'webgpu', 'wasm', 'shapes'];

export type Tensors = Record<string, tf.Tensor>;
export type Attributes = Record<string, number | boolean | number[]>;

/** Kernels that `defineKernel` made from a composite. */
const composites = new WeakSet<tf.KernelConfig>();

export interface OpDefinition {
  name: string;
  /** Runs under tidy: whatever is not returned is disposed. */
  forward(inputs: Tensors, attributes: Attributes): tf.Tensor[];
  /** Names of the inputs and indices of the outputs that the gradient needs. */
  saveInputs: string[];
  saveOutputs?: number[];
  /**
   * One thunk per differentiable input; only those that lead to a trained tensor are called. A thunk with a parameter
   * may be given the sum of the input's other gradients so far, and then returns that sum with its own part added.
   * `dy` has one entry per output (null where the loss does not depend on it).
   */
  gradient(dy: tf.Tensor[], saved: tf.Tensor[], attributes: Attributes): Record<string, (sum?: tf.Tensor) => tf.Tensor>;
}

export interface Op {
  (inputs: Tensors, attributes?: Attributes): tf.Tensor[];
}

/** Registers kernel and gradient; returns the function that runs the op on the current backend. */
export function defineOp(definition: OpDefinition): Op {
  const { name, forward, gradient, saveInputs, saveOutputs = [] } = definition;
  const run = defineKernel(name, forward);
  const outputsToSave = Array.from({ length: saveOutputs.length ? Math.max(...saveOutputs) + 1 : 0 }, (_, i) =>
    saveOutputs.includes(i),
  );
  tf.registerGradient({
    kernelName: name,
    inputsToSave: saveInputs,
    outputsToSave,
    gradFunc: (dy, saved, attrs) => gradient(Array.isArray(dy) ? dy : [dy], saved, attrs as Attributes),
  });
  return run;
}

/**
 * A kernel without a gradient, for what runs after the forward pass (gradients, updates): `composite`, under tidy, on
 * every backend that has none of its own. An op's forward and gradient kernels come in pairs: what a backend's
 * forward saves only its own gradient kernel has to understand.
 */
export function defineKernel(name: string, composite: OpDefinition['forward']): Op {
  for (const backendName of BACKENDS) {
    if (tf.getKernel(name, backendName)) continue;
    const kernelFunc: tf.KernelFunc = ({ inputs, attrs }) =>
      tf.tidy(() => composite(inputs as Tensors, (attrs ?? {}) as Attributes));
    const config = { kernelName: name, backendName, kernelFunc };
    composites.add(config);
    tf.registerKernel(config);
  }
  return (inputs, attributes = {}) => {
    const result = tf.engine().runKernel(name, inputs, attributes) as tf.Tensor | tf.Tensor[];
    return Array.isArray(result) ? result : [result];
  };
}

/** Whether the current backend has a kernel of its own under this name, not the composite. */
export function hasOwnKernel(name: string): boolean {
  return !composites.has(tf.getKernel(name, tf.getBackend()));
}
