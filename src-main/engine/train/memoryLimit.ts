/** A limit on what tensors may hold, kept to from op to op, and how the engines say that memory has run out. */
import { GraftError } from '../../../src-shared/errors.ts';
import { engineState, withKernelsWatched } from '../backends/tfjsInternals.ts';

/** f's result. Throws MEMORY_LIMIT at the first op after which all tensors together hold more than `limitBytes`. */
export function withinMemory<T>(limitBytes: number, f: () => T): T {
  return withKernelsWatched(() => {
    const { numBytes } = engineState();
    if (numBytes > limitBytes)
      throw new GraftError(
        'MEMORY_LIMIT',
        `Tensors hold ${numBytes} bytes, more than the ${limitBytes} allowed; use a smaller batch or shorter rows.`,
        { numBytes, limitBytes },
      );
  }, f);
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
