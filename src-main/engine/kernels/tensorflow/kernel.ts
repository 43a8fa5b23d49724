/** A kernel for libtensorflow that stands before the one with its name and takes over the inputs it is better at. */
import type * as tf from '@tensorflow/tfjs-core';
import { replaceKernel, type TensorflowBackend } from '../../backends/tfjsInternals.ts';
import type { KernelInputs, KernelResults, Op } from '../../ops/define.ts';

/** A kernel of our own ops, which returns a list, or of tfjs's, which mostly returns one tensor. */
export type KernelOf<I, A, R> = Pick<Op<I, A, R>, 'kernelName' | 'types'>;

type ResultsOf<R> = R extends tf.Tensor ? tf.TensorInfo : KernelResults<R>;

/** `kernel` where `applies`, else the one there was. */
export function standBefore<I, A, R>(
  { kernelName }: KernelOf<I, A, R>,
  applies: (inputs: KernelInputs<I>, attributes: A) => boolean,
  kernel: (backend: TensorflowBackend, inputs: KernelInputs<I>, attributes: A) => ResultsOf<R>,
): void {
  replaceKernel(kernelName, 'tensorflow', (usual) => {
    if (!usual) throw new Error(`there is no kernel ${kernelName} to stand before`);
    return (args) => {
      const inputs = args.inputs as KernelInputs<I>;
      const attributes = (args.attrs ?? {}) as A;
      return applies(inputs, attributes)
        ? (kernel(args.backend as TensorflowBackend, inputs, attributes) as tf.TensorInfo | tf.TensorInfo[])
        : usual(args as Parameters<typeof usual>[0]);
    };
  });
}
