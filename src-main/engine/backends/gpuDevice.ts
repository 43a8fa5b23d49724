/** The parts of WebGPU's interfaces that are used here; Dawn implements them. */
import type { BufferSource } from './bufferPool.ts';

export interface GpuPipeline {
  getBindGroupLayout(index: number): object;
}

/** What a device allows, as far as it decides which kernels run and what they may bind. */
export interface DeviceLimits {
  maxComputeWorkgroupsPerDimension: number;
  maxComputeWorkgroupStorageSize: number;
  /** Bytes of a buffer that a kernel can see. */
  maxStorageBufferBindingSize: number;
}

/** The parts of WebGPU's GPUDevice that are used here. */
export interface GpuDevice extends BufferSource {
  limits: DeviceLimits;
  features: ReadonlySet<string>;
  readonly lost: Promise<{ reason: string; message: string }>;
  addEventListener(type: 'uncapturederror', listener: (event: GpuErrorEvent) => void): void;
  createShaderModule(descriptor: object): object;
  createComputePipeline(descriptor: object): GpuPipeline;
  createBindGroup(descriptor: object): object;
  pushErrorScope(filter: string): void;
  popErrorScope(): Promise<object | null>;
}

interface GpuErrorEvent {
  error: { message: string; constructor: { name: string } };
}

export interface GpuPass {
  setPipeline(pipeline: GpuPipeline): void;
  setBindGroup(index: number, group: object): void;
  dispatchWorkgroups(x: number, y: number): void;
}
