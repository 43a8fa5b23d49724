/**
 * A WebGPU device that computes nothing: it takes every command, its buffers have a size and no memory, and what is
 * read back are zeros. What a program would take of a card can be counted on it without one.
 */
import type { GpuBuffer } from './bufferPool.ts';
import type { DeviceLimits, GpuDevice, GpuPipeline } from './gpuDevice.ts';

/** A graphics card's usual ones; of what can be bound, the most that WebGPU's sizes tell apart. */
export const USUAL_LIMITS: DeviceLimits = {
  maxComputeWorkgroupsPerDimension: 65535,
  maxComputeWorkgroupStorageSize: 32768,
  maxStorageBufferBindingSize: 2 ** 32 - 4,
};

/** WebGPU's numbers (https://www.w3.org/TR/webgpu/#buffer-usage), where Dawn has not put them there already. */
const CONSTANTS: Record<string, unknown> = {
  GPUBufferUsage: {
    MAP_READ: 1,
    MAP_WRITE: 2,
    COPY_SRC: 4,
    COPY_DST: 8,
    INDEX: 16,
    VERTEX: 32,
    UNIFORM: 64,
    STORAGE: 128,
    INDIRECT: 256,
    QUERY_RESOLVE: 512,
  },
  GPUMapMode: { READ: 1, WRITE: 2 },
  GPUShaderStage: { VERTEX: 1, FRAGMENT: 2, COMPUTE: 4 },
  GPUBuffer: class {},
  GPUTexture: class {},
};

export interface DryDevice extends GpuDevice {
  queue: { submit(): void; writeBuffer(): void; onSubmittedWorkDone(): Promise<void> };
  createCommandEncoder(): object;
}

const nothing = (): void => undefined;

export function dryDevice(limits: DeviceLimits): DryDevice {
  for (const [name, value] of Object.entries(CONSTANTS))
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  const pass = { setPipeline: nothing, setBindGroup: nothing, dispatchWorkgroups: nothing, end: nothing };
  const encoder = { beginComputePass: () => pass, copyBufferToBuffer: nothing, clearBuffer: nothing, finish: nothing };
  const pipeline: GpuPipeline = { getBindGroupLayout: () => ({}) };
  return {
    limits,
    features: new Set<string>(),
    lost: new Promise(nothing),
    queue: { submit: nothing, writeBuffer: nothing, onSubmittedWorkDone: () => Promise.resolve() },
    addEventListener: nothing,
    createShaderModule: () => ({}),
    createComputePipeline: () => pipeline,
    createBindGroup: () => ({}),
    createCommandEncoder: () => encoder,
    createBuffer: ({ size, usage, mappedAtCreation }) =>
      Object.create(bufferClass().prototype, describe(bufferOf(size, usage, mappedAtCreation))) as GpuBuffer,
    pushErrorScope: nothing,
    popErrorScope: () => Promise.resolve(null),
  };
}

/** Ours, or Dawn's where that has been loaded meanwhile. */
function bufferClass(): { prototype: object } {
  return (globalThis as unknown as { GPUBuffer: { prototype: object } }).GPUBuffer;
}

/** tfjs asks whether what it binds is a GPUBuffer; the members of Dawn's, which need a real one, are covered. */
function bufferOf(size: number, usage: number, mapped: boolean): Record<string, unknown> {
  return {
    size,
    usage,
    mapState: mapped ? 'mapped' : 'unmapped',
    getMappedRange: () => new ArrayBuffer(size),
    mapAsync: () => Promise.resolve(),
    unmap(this: { mapState: string }) {
      this.mapState = 'unmapped';
    },
    destroy: nothing,
  };
}

function describe(members: Record<string, unknown>): PropertyDescriptorMap {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, { value, writable: true }]));
}
