/** The `webgpu` engine: tfjs-backend-webgpu on Dawn (npm `webgpu`), which drives Vulkan, Metal or Direct3D 12. */
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { registerWebgpuKernels } from '../kernels/webgpu/register.ts';
import type { BackendFacts } from './backends.ts';
import { deviceFailure, watchDevice, type WatchedDevice } from './deviceWatch.ts';

const require = createRequire(import.meta.url);

interface AdapterInfo {
  vendor: string;
  architecture: string;
  device: string;
  description: string;
}
interface Adapter {
  info: AdapterInfo;
  limits: { maxBufferSize: number };
}
interface Gpu {
  requestAdapter(options?: object): Promise<Adapter | null>;
}

/** Dawn ends with the object that made it, so it must outlive every tensor. */
let gpu: Gpu | null = null;

export async function bootWebgpu(): Promise<BackendFacts> {
  const adapter = await installGpu();
  await import('@tensorflow/tfjs'); // registers the gradients
  require('@tensorflow/tfjs-backend-webgpu');
  registerWebgpuKernels();
  if (deviceFailure()) removeDeadBackend();
  if (!(await tf.setBackend('webgpu'))) throw new Error('the webgpu backend did not start');
  await tf.ready();
  watchDevice((tf.backend() as unknown as { device: WatchedDevice }).device);
  const { info, limits } = adapter;
  const device = info.description || info.device || info.vendor || 'unnamed GPU';
  return { gpu: !isSoftware(info), device, memoryBytes: limits.maxBufferSize };
}

/** tfjs keeps a backend for good, but a lost device never comes back: the next boot has to ask for another one. */
function removeDeadBackend(): void {
  const factory = tf.findBackendFactory('webgpu');
  tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', factory, 3);
}

/** Puts Dawn where tfjs looks for WebGPU: `navigator.gpu` and the GPU* constants. */
async function installGpu(): Promise<Adapter> {
  if (!gpu) {
    const dawn = require('webgpu') as { create(options: string[]): Gpu; globals: Record<string, unknown> };
    Object.assign(globalThis, dawn.globals);
    gpu = dawn.create([]);
    Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('no Vulkan, Metal or Direct3D 12 driver answered');
  return adapter;
}

/** Software renderers are right but slow; they never count as a GPU. */
export function isSoftware({ vendor, architecture, device, description }: AdapterInfo): boolean {
  return /llvmpipe|lavapipe|swiftshader|software|basic render|warp/i.test(`${vendor} ${architecture} ${device} ${description}`);
}
