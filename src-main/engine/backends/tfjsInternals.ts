/**
 * The one place that touches what tfjs 4.22 does not promise: its engine's tape and counters, and the private members
 * of its backends. tfjsInternals.test.ts fails when any of them is gone or has another shape. Nothing here computes.
 */
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';

/** What tfjs records per op (tfjs-core's tape.ts). */
export interface TapeNode {
  kernelName: string;
  inputs: Record<string, tf.Tensor>;
  outputs: tf.Tensor[];
  saved?: tf.Tensor[];
  gradient?: (dys: (tf.Tensor | null)[]) => Record<string, (sum?: tf.Tensor) => tf.Tensor>;
}

/** What we use of tfjs-core's EngineState. */
export interface EngineState {
  activeTape: TapeNode[] | null;
  /** Ops go on the tape while this is above 0 … */
  gradientDepth: number;
  /** … and this is 0: tfjs then takes itself to be outside of every kernel. */
  kernelDepth: number;
  /** Held by all tensors. */
  numBytes: number;
}

export function engineState(): EngineState {
  return tf.engine().state as unknown as EngineState;
}

/** Runs a kernel on the current backend, with its gradient on the tape. */
export function runKernel(name: string, inputs: object, attributes: object): tf.Tensor[] {
  const engine = tf.engine();
  const result = engine.runKernel<tf.Tensor | tf.Tensor[]>(
    name,
    inputs as tf.NamedTensorMap,
    attributes as tf.NamedAttrMap,
  );
  return Array.isArray(result) ? result : [result];
}

/** f's result; `afterEach` is called after each kernel that f runs, and what it throws ends f. */
export function withKernelsWatched<T>(afterEach: () => void, f: () => T): T {
  const engine = tf.engine();
  const { runKernel: usual } = engine;
  engine.runKernel = (...args) => {
    const result = usual.apply(engine, args);
    afterEach();
    return result as never;
  };
  try {
    return f();
  } finally {
    engine.runKernel = usual;
  }
}

/** The tensor of what a kernel returned, when that is called by hand; the running tidy owns it. */
export function tensorOf(info: tf.TensorInfo): tf.Tensor {
  return tf.engine().makeTensorFromTensorInfo(info);
}

/** Puts a kernel in the place of the one that has its name; `make` is given that one, where there is one. */
export function replaceKernel(
  kernelName: string,
  backendName: string,
  make: (usual: tf.KernelFunc | undefined) => (args: KernelArguments) => tf.TensorInfo | tf.TensorInfo[],
): void {
  const usual = tf.getKernel(kernelName, backendName) as tf.KernelConfig | undefined;
  if (usual) tf.unregisterKernel(kernelName, backendName);
  const kernelFunc = make(usual?.kernelFunc) as tf.KernelFunc;
  tf.registerKernel({ kernelName, backendName, kernelFunc });
}

/** What tfjs calls a kernel with. */
export interface KernelArguments {
  inputs: object;
  attrs?: object;
  backend: unknown;
}

interface TensorflowAttribute {
  name: string;
  type: number;
  value: number | boolean;
}

/** What we use of tfjs-node's NodeJSKernelBackend. */
export interface TensorflowBackend {
  isUsingGpuDevice: boolean;
  binding: { TF_ATTR_TYPE: number; TF_ATTR_BOOL: number; TF_FLOAT: number; TF_INT32: number };
  executeSingleOutput(op: string, attributes: TensorflowAttribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  readSync(dataId: object): Float32Array;
  write(values: Float32Array, shape: number[], dtype: 'float32'): object;
}

/** The current backend, which is `tensorflow`. */
export function tensorflowBackend(): TensorflowBackend {
  return tf.backend() as unknown as TensorflowBackend;
}

/** libtensorflow's attribute T, the type of the op's values: always float32 here. */
export function floatType({ binding }: TensorflowBackend): TensorflowAttribute {
  return { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
}

export function flag({ binding }: TensorflowBackend, name: string, value: boolean): TensorflowAttribute {
  return { name, type: binding.TF_ATTR_BOOL, value };
}

export function indexType({ binding }: TensorflowBackend, name: string): TensorflowAttribute {
  return { name, type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 };
}

/** tfjs-node calls two functions of node:util that Node 23 removed or warns about. */
export function restoreRemovedUtilities(): void {
  Object.assign(util, { isNullOrUndefined: (x: unknown) => x === null || x === undefined, isArray: Array.isArray });
}

export interface GpuPipeline {
  getBindGroupLayout(index: number): object;
}

/** The parts of WebGPU's GPUDevice that are used here. */
export interface GpuDevice {
  limits: { maxComputeWorkgroupsPerDimension: number; maxComputeWorkgroupStorageSize: number };
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

interface GpuPass {
  setPipeline(pipeline: GpuPipeline): void;
  setBindGroup(index: number, group: object): void;
  dispatchWorkgroups(x: number, y: number): void;
}

/** tfjs's store of buffers, as far as we look into it. */
interface BufferStore {
  freeBuffers: Map<string, { size: number; destroy(): void }[]>;
  numFreeBuffers: number;
  numBytesAllocated: number;
}

/** The parts of tfjs's WebGPUBackend that are used here. */
export interface WebgpuBackend {
  device: GpuDevice;
  queue: { onSubmittedWorkDone(): Promise<void> };
  tensorMap: { has(dataId: object): boolean };
  bufferManager: BufferStore;
  commandEncoder: {
    beginComputePass(descriptor: object): GpuPass;
    copyBufferToBuffer(from: object, fromByte: number, to: object, toByte: number, bytes: number): void;
  };
  computePassEncoder: GpuPass | null;
  commandQueueOwnedIds: WeakSet<object>;
  dispatchCountInPass: number;
  makeTensorInfo(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  uploadToGPU(dataId: object): void;
  tensorToBinding(tensor: tf.TensorInfo): { buffer: object };
  makeUniforms(values: { type: string; data: number[] }[]): object;
  incRef(dataId: object): void;
  disposeData(dataId: object): boolean;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/** The current backend, which is `webgpu`. */
export function webgpuBackend(): WebgpuBackend {
  return tf.backend() as unknown as WebgpuBackend;
}

/** Sends what is queued to the device. */
export function submit(backend: WebgpuBackend): void {
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
}

/** Sends what is queued to the device once there are as many dispatches as tfjs itself sends together. */
export function submitWhenFull(backend: WebgpuBackend): void {
  backend.dispatchCountInPass++;
  if (backend.dispatchCountInPass < tf.env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) return;
  backend.endComputePassEncoder();
  backend.submitQueue();
}

/** Bytes of the card that tfjs has taken, in use or kept for later; it gives them back to nobody. */
export function allocatedGpuBytes(): number {
  return webgpuBackend().bufferManager.numBytesAllocated;
}

/** Gives the card back what tfjs keeps for later use. After a shortage some of it may never have been memory at all. */
export function dropFreeBuffers(): void {
  const store = webgpuBackend().bufferManager;
  for (const buffers of store.freeBuffers.values()) {
    for (const buffer of buffers.splice(0)) {
      store.numFreeBuffers--;
      store.numBytesAllocated -= buffer.size;
      buffer.destroy();
    }
  }
}
