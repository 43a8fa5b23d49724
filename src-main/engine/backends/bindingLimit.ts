/** How large a buffer may be that the current backend computes with. */
import * as tf from '@tensorflow/tfjs-core';
import { webgpuBackend } from './tfjsInternals.ts';

/** Bytes; Infinity on the processor. */
export function mostBytesPerBinding(): number {
  return tf.getBackend() === 'webgpu' ? webgpuBackend().device.limits.maxStorageBufferBindingSize : Infinity;
}
