/** Tensors of a card that are filled piece by piece, so that their values never lie in this process as a whole. */
import type * as tf from '@tensorflow/tfjs-core';
import { emptyGpuTensor, webgpuBackend, writeGpuBytes } from './tfjsInternals.ts';

/** Bytes on their way to the card at once: the driver may keep a copy of each until it has arrived. */
const MOST_UNDER_WAY = 64 << 20;

export interface FilledTensor {
  tensor: tf.Tensor;
  /** `start`, in bytes, and the length are multiples of four. Resolves once there is room for the next piece. */
  put(bytes: Uint8Array, start: number): Promise<void>;
}

let underWay = 0;

/** A tensor of the current backend, which is `webgpu`. The caller disposes it. */
export function tensorToFill(shape: number[], dtype: 'int32' | 'float32'): FilledTensor {
  const tensor = emptyGpuTensor(shape, dtype);
  return {
    tensor,
    async put(bytes, start) {
      writeGpuBytes(tensor, start, bytes);
      underWay += bytes.length;
      if (underWay < MOST_UNDER_WAY) return;
      underWay = 0;
      const { queue } = webgpuBackend();
      queue.submit([]);
      await queue.onSubmittedWorkDone();
    },
  };
}
