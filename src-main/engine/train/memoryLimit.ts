/** A limit on what tensors may hold, kept to from op to op, and how the engines say that memory has run out. */
import * as tf from '@tensorflow/tfjs-core';
import { GraftError } from '../../../src-shared/errors.ts';

/** f's result. Throws MEMORY_LIMIT at the first op after which all tensors together hold more than `limitBytes`. */
export function withinMemory<T>(limitBytes: number, f: () => T): T {
  const engine = tf.engine();
  const { runKernel } = engine;
  engine.runKernel = (...args) => {
    const result = runKernel.apply(engine, args);
    const { numBytes } = engine.state;
    if (numBytes > limitBytes)
      throw new GraftError(
        'MEMORY_LIMIT',
        `Tensors hold ${numBytes} bytes, more than the ${limitBytes} allowed; use a smaller batch or shorter rows.`,
        { numBytes, limitBytes },
      );
    return result as never;
  };
  try {
    return f();
  } finally {
    engine.runKernel = runKernel;
  }
}

/** Whether memory ran out: our own limit, WebGPU's error, libtensorflow's, or a failed allocation. */
export function isOutOfMemory(error: unknown): boolean {
  if (error instanceof GraftError) return error.code === 'MEMORY_LIMIT' || error.code === 'GPU_OUT_OF_MEMORY';
  return (
    error instanceof Error &&
    /OOM when allocating|bad_alloc|RESOURCE_EXHAUSTED|Array buffer allocation failed|Invalid typed array length/i.test(
      error.message,
    )
  );
}
