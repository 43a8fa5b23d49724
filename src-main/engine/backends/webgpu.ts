/** The `webgpu` engine: tfjs-backend-webgpu on Dawn (npm `webgpu`), which drives Vulkan, Metal or Direct3D 12. */
import { createRequire } from 'node:module';
import os from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { mostBytesPerBinding } from './bindingLimit.ts';
import { tuneFor } from '../kernels/webgpu/frozen/tuner.ts';
import { registerWebgpuKernels } from '../kernels/webgpu/register.ts';
import { registerTfjsGradients } from '../ops/tfjsGradients.ts';
import { dawnCards, dawnOptions } from './cards.ts';
import { slowDownPolling } from './dawnPolling.ts';
import type { BackendFacts } from './facts.ts';
import { deviceFailure, watchDevice } from './deviceWatch.ts';
import { usePool, webgpuBackend } from './tfjsInternals.ts';

const require = createRequire(import.meta.url);

interface AdapterInfo {
  vendor: string;
  architecture: string;
  device: string;
  description: string;
}
interface Adapter {
  info: AdapterInfo;
  features: ReadonlySet<string>;
  requestDevice(descriptor: DeviceDescriptor): Promise<object>;
}
interface DeviceDescriptor {
  requiredFeatures: string[];
}
interface Gpu {
  requestAdapter(options?: object): Promise<Adapter | null>;
}

/** What our kernels use where the adapter has it; tfjs itself asks for none of these. */
const FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];

/** Dawn ends with the object that made it, so it must outlive every tensor. */
let gpu: Gpu | null = null;

export async function bootWebgpu(): Promise<BackendFacts> {
  const adapter = await installGpu();
  require('@tensorflow/tfjs-backend-webgpu');
  registerTfjsGradients();
  registerWebgpuKernels();
  if (deviceFailure()) removeDeadBackend();
  if (!(await tf.setBackend('webgpu'))) throw new Error('the webgpu backend did not start');
  await tf.ready();
  usePool(webgpuBackend());
  watchDevice(webgpuBackend().device);
  const { info } = adapter;
  if (isSoftware(info)) slowDownPolling();
  const device = info.description || info.device || info.vendor || 'unnamed GPU';
  tuneFor(isSoftware(info) ? '' : [device, info.vendor, info.architecture].join(' '));
  const bindingBytes = mostBytesPerBinding();
  if (isSoftware(info)) return { gpu: false, device, memoryBytes: os.totalmem(), bindingBytes };
  return { gpu: true, device, memoryBytes: null, bindingBytes, adapter: { vendor: info.vendor, device: info.device } };
}

/** tfjs keeps a backend for good, but a lost device never comes back: the next boot has to ask for another one. */
function removeDeadBackend(): void {
  const factory = tf.findBackendFactory('webgpu');
  tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', factory, 3);
}

/** Names of the graphics cards; starts nothing. */
export function webgpuCards(): Promise<string[]> {
  return dawnCards(require('webgpu') as Parameters<typeof dawnCards>[0]);
}

/** Puts Dawn where tfjs looks for WebGPU: `navigator.gpu` and the GPU* constants. */
async function installGpu(): Promise<Adapter> {
  if (!gpu) {
    const dawn = require('webgpu') as { create(options: string[]): Gpu; globals: Record<string, unknown> };
    Object.assign(globalThis, dawn.globals);
    // Dawn offers subgroup matrices to those only who allow its experiments; no text but our own runs here.
    const card = await dawnOptions(dawn);
    gpu = withFeatures(dawn.create(['enable-dawn-features=allow_unsafe_apis', ...card]));
    Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('no Vulkan, Metal or Direct3D 12 driver answered');
  return adapter;
}

/** Whoever asks this `gpu` for a device gets one with FEATURES. */
function withFeatures(gpu: Gpu): Gpu {
  const requestAdapter = gpu.requestAdapter.bind(gpu);
  gpu.requestAdapter = async (options) => {
    const adapter = await requestAdapter(options);
    if (!adapter) return null;
    const requestDevice = adapter.requestDevice.bind(adapter);
    const more = FEATURES.filter((name) => adapter.features.has(name));
    adapter.requestDevice = (descriptor) =>
      requestDevice({ ...descriptor, requiredFeatures: [...descriptor.requiredFeatures, ...more] });
    return adapter;
  };
  return gpu;
}

/** Software renderers are right but slow; they never count as a GPU. */
function isSoftware({ vendor, architecture, device, description }: AdapterInfo): boolean {
  return /llvmpipe|lavapipe|swiftshader|software|basic render|warp/i.test(
    `${vendor} ${architecture} ${device} ${description}`,
  );
}
