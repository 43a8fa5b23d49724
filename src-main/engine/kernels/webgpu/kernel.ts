/** What a kernel file exports: kernels with the names, inputs, attributes and results of the ops they compute. */
import type * as tf from '@tensorflow/tfjs-core';
import type { WebgpuBackend } from '../../backends/tfjsInternals.ts';
import type { KernelInputs, KernelResults, Op } from '../../ops/define.ts';

export interface WebgpuKernel {
  kernelName: string;
  run(backend: WebgpuBackend, inputs: object, attributes: object): tf.TensorInfo[];
}

/** `run` as the kernel of `op`. */
export function webgpuKernel<I, A, R>(
  { kernelName }: Op<I, A, R>,
  run: (backend: WebgpuBackend, inputs: KernelInputs<I>, attributes: A) => KernelResults<R>,
): WebgpuKernel {
  return { kernelName, run: run as unknown as WebgpuKernel['run'] };
}
