/**
 * One way to add an op of our own: a kernel under a name on every backend, with a registered gradient.
 * The kernel given here is the fallback, written in tfjs ops; a backend's own fast kernel replaces it by
 * registering under the same name first or later (see kernels/). It does not know any particular op.
 */
import * as tf from '@tensorflow/tfjs-core';
import { runKernel } from '../backends/tfjsInternals.ts';

/** `shapes` computes nothing (backends/shapes.ts). */
const BACKENDS = ['tensorflow', 'webgpu', 'wasm', 'shapes'];

/** Tensors by name; one that may be left out is optional, and is then not there at all. */
export type Inputs = Readonly<Record<string, tf.Tensor>>;
export type Attributes = Readonly<Record<string, number | boolean | readonly number[]>>;
/** One tensor after the other; the empty tuple makes TypeScript count them. */
export type Results = readonly tf.Tensor[] | [];
/** Of an op without any. */
export type NoAttributes = Readonly<Record<never, never>>;

/** Runs a kernel on the current backend. Its types are those that all kernels under its name keep to. */
export interface Op<I, A = NoAttributes, R = [tf.Tensor]> {
  (inputs: I, ...attributes: keyof A extends never ? [] : [attributes: A]): R;
  readonly kernelName: string;
  /** Not there: what the kernels of this op take and return, for their types. */
  readonly types?: { inputs: I; attributes: A; results: R };
}

/** What a kernel of an op gets, on a backend: data instead of tensors. */
export type KernelInputs<I> = { [Name in keyof I]: tf.TensorInfo };
export type KernelResults<R> = { [Index in keyof R]: tf.TensorInfo };

/** A kernel written in tfjs ops; it runs under tidy: whatever is not returned is disposed. */
type Composite<I, A, R> = (inputs: I, attributes: A) => R;

/** The gradient of one input; given the sum of its other gradients so far, it returns that sum with itself added. */
type GradientThunk = (sum?: tf.Tensor) => tf.Tensor;

/** `SI`: names of the inputs, `SO`: indices of the outputs that the gradient needs. */
export interface OpDefinition<I, A, R, SI extends readonly (keyof I)[], SO extends readonly (keyof R)[]> {
  name: string;
  forward: Composite<I, A, R>;
  saveInputs: SI;
  saveOutputs?: SO;
  /**
   * One thunk per differentiable input; only those that lead to a trained tensor are called. `dy` has one entry per
   * output (a scalar where the loss does not depend on it), `saved` the saved inputs, then the saved outputs.
   */
  gradient(
    dy: { [Index in keyof R]: tf.Tensor },
    saved: [...{ [Index in keyof SI]: I[SI[Index]] }, ...{ [Index in keyof SO]: tf.Tensor }],
    attributes: A,
  ): { [Name in keyof I]?: GradientThunk };
}

/** Registers kernel and gradient; returns the function that runs the op on the current backend. */
export function defineOp<
  I extends Inputs,
  A extends Attributes = NoAttributes,
  R extends Results = [tf.Tensor],
  const SI extends readonly (keyof I & string)[] = [],
  const SO extends readonly (keyof R)[] = [],
>(definition: OpDefinition<I, A, R, SI, SO>): Op<I, A, R> {
  const { name, forward, gradient, saveInputs, saveOutputs = [] } = definition;
  const indices = saveOutputs.map(Number);
  const run = defineKernel(name, forward);
  type Gradient = (dy: tf.Tensor[], saved: tf.Tensor[], attributes: A) => Record<string, GradientThunk>;
  const untyped = gradient as unknown as Gradient;
  tf.registerGradient({
    kernelName: name,
    inputsToSave: [...saveInputs],
    outputsToSave: Array.from({ length: Math.max(-1, ...indices) + 1 }, (_, i) => indices.includes(i)),
    gradFunc: (dy, saved, attributes) => untyped(Array.isArray(dy) ? dy : [dy], saved, attributes as A),
  });
  return run;
}

/** Kernels that `defineKernel` made from a composite. */
const composites = new WeakSet<tf.KernelConfig>();

/**
 * A kernel without a gradient, for what runs after the forward pass (gradients, updates): `composite` on every backend
 * that has none of its own. An op's forward and gradient kernels come in pairs: what a backend's forward saves only
 * its own gradient kernel has to understand.
 */
export function defineKernel<I extends Inputs, A extends Attributes = NoAttributes, R extends Results = [tf.Tensor]>(
  kernelName: string,
  composite: Composite<I, A, R>,
): Op<I, A, R> {
  for (const backendName of BACKENDS) {
    if (tf.getKernel(kernelName, backendName)) continue;
    const kernelFunc = ({ inputs, attrs }: { inputs: object; attrs?: object | undefined }): tf.TensorInfo[] =>
      tf.tidy(() => [...composite(inputs as I, (attrs ?? {}) as A)]);
    const config = { kernelName, backendName, kernelFunc };
    composites.add(config);
    tf.registerKernel(config);
  }
  const run = (inputs: I, attributes?: A): R => runKernel(kernelName, inputs, attributes ?? {}) as unknown as R;
  return Object.assign(run, { kernelName });
}

/** Whether the current backend has a kernel of its own under this name, not the composite. */
export function hasOwnKernel(name: string): boolean {
  return !composites.has(tf.getKernel(name, tf.getBackend()));
}
