/**
 * Work on tfjs's own WebGPU backend over a device that computes nothing (dryDevice.ts): the very kernels, tfjs's and
 * ours, take and give back buffers as they would on a card, so what they come to is known without one.
 */
import { createRequire } from 'node:module';
import type * as tf from '@tensorflow/tfjs-core';
import { registerWebgpuKernels } from '../kernels/webgpu/register.ts';
import { registerTfjsGradients } from '../ops/tfjsGradients.ts';
import type { BufferPool } from './bufferPool.ts';
import { dryDevice, type DryDevice } from './dryDevice.ts';
import type { DeviceLimits } from './gpuDevice.ts';
import { onOtherBackend, usePool, webgpuBackend } from './tfjsInternals.ts';

const require = createRequire(import.meta.url);

/** One for each set of limits: compiled programs belong to their device. */
const devices = new Map<string, DryDevice>();

/** f on a fresh backend; afterwards the engine in use before is back. */
export async function onDryWebgpu<T>(limits: DeviceLimits, f: (pool: BufferPool) => Promise<T>): Promise<T> {
  const key = JSON.stringify(limits);
  const device = devices.get(key) ?? dryDevice(limits);
  devices.set(key, device);
  const backend = withWebgpuSupport(() => {
    const { WebGPUBackend } = require('@tensorflow/tfjs-backend-webgpu') as {
      WebGPUBackend: new (device: object, info: object) => tf.KernelBackend;
    };
    return new WebGPUBackend(device, {});
  });
  registerTfjsGradients();
  registerWebgpuKernels();
  return onOtherBackend('webgpu', backend, () => {
    usePool(webgpuBackend());
    return f(webgpuBackend().bufferManager);
  });
}

/** tfjs looks for `navigator.gpu` when it is loaded and when a backend is made. */
function withWebgpuSupport<T>(f: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  if ((globalThis.navigator as { gpu?: object } | undefined)?.gpu) return f();
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: {}, userAgent: 'node' }, configurable: true });
  try {
    return f();
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else Reflect.deleteProperty(globalThis, 'navigator');
  }
}
