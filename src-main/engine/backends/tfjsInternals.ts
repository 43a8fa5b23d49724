/**
 * The one place that touches what tfjs 4.22 does not promise: its engine's tape and counters, and the private members
 * of its backends. tfjsInternals.test.ts fails when any of them is gone or has another shape. Nothing here computes.
 */
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { BufferPool } from './bufferPool.ts';
import type { GpuDevice, GpuPass } from './gpuDevice.ts';

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

/** f with `backend` in the place of the one named `name`, whose kernels it runs; afterwards all is as it was. */
export async function onOtherBackend<T>(name: string, backend: tf.KernelBackend, f: () => Promise<T>): Promise<T> {
  const engine = tf.engine() as unknown as BackendRegistry;
  const { registry, backendName: current } = engine; // none in a process that only plans
  const usual = registry[name];
  registry[name] = backend;
  await tf.setBackend(name);
  try {
    return await f();
  } finally {
    if (usual) registry[name] = usual;
    else Reflect.deleteProperty(registry, name);
    if (current) await tf.setBackend(current);
    else Object.assign(engine, { backendName: null, backendInstance: null });
  }
}

/** The backends of tfjs-core's Engine: those that have started, and the current one. */
interface BackendRegistry {
  registry: Record<string, tf.KernelBackend>;
  backendName: string | null;
  backendInstance: tf.KernelBackend | null;
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

export interface TensorflowAttribute {
  name: string;
  type: number;
  value: unknown;
}

/** What tfjs-node knows of a tensor's data. */
export type TensorflowValues = Float32Array | Int32Array | Uint8Array;

/** What we use of tfjs-node's NodeJSKernelBackend. */
export interface TensorflowBackend {
  isUsingGpuDevice: boolean;
  binding: {
    TF_ATTR_TYPE: number;
    TF_ATTR_BOOL: number;
    TF_ATTR_INT: number;
    TF_FLOAT: number;
    TF_INT32: number;
    loadSavedModel(folder: string, tags: string): number;
    runSavedModel(id: number, inputIds: number[], inputNames: string, outputNames: string): object[];
    deleteSavedModel(id: number): void;
  };
  tensorMap: { has(dataId: object): boolean };
  getInputTensorIds(inputs: tf.TensorInfo[]): number[];
  createOutputTensor(metadata: object): tf.Tensor;
  executeSingleOutput(op: string, attributes: TensorflowAttribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: TensorflowAttribute[],
    inputs: tf.TensorInfo[],
    count: number,
  ): tf.Tensor[];
  move(dataId: object, values: TensorflowValues, shape: number[], dtype: tf.DataType, refCount: number): void;
  readSync(dataId: object): Float32Array;
  write(values: Float32Array, shape: number[], dtype: 'float32'): object;
}

/** The current backend, which is `tensorflow`. */
export function tensorflowBackend(): TensorflowBackend {
  return tf.backend() as unknown as TensorflowBackend;
}

/** Values of the nodes `outputs`, `inputs` being those of the placeholders `names`. The running tidy owns them. */
export function runGraph(
  backend: TensorflowBackend,
  id: number,
  names: string[],
  inputs: tf.TensorInfo[],
  outputs: string[],
): tf.Tensor[] {
  const results = backend.binding.runSavedModel(id, backend.getInputTensorIds(inputs), names.join(), outputs.join());
  return results.map((result) => backend.createOutputTensor(result));
}

/** tfjs-node calls two functions of node:util that Node 23 removed or warns about. */
export function restoreRemovedUtilities(): void {
  Object.assign(util, { isNullOrUndefined: (x: unknown) => x === null || x === undefined, isArray: Array.isArray });
}

/** The parts of tfjs's WebGPUBackend that are used here. */
export interface WebgpuBackend {
  device: GpuDevice;
  queue: {
    onSubmittedWorkDone(): Promise<void>;
    submit(commands: object[]): void;
    writeBuffer(buffer: object, at: number, bytes: Uint8Array): void;
  };
  tensorMap: { has(dataId: object): boolean; get(dataId: object): { shape: number[] } | undefined };
  convertAndCacheOnCPU(dataId: object, values: TypedValues): TypedValues;
  read(dataId: object): Promise<TypedValues>;
  bufferManager: BufferPool;
  commandEncoder: {
    beginComputePass(descriptor: object): GpuPass;
    copyBufferToBuffer(from: object, fromByte: number, to: object, toByte: number, bytes: number): void;
  };
  computePassEncoder: GpuPass | null;
  commandQueueOwnedIds: WeakSet<object>;
  dispatchCountInPass: number;
  makeTensorInfo(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  uploadToGPU(dataId: object): void;
  tensorToBinding(tensor: tf.TensorInfo): { buffer: object; size?: number };
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

/**
 * The data of x once more, as a kernel's result that is freed by itself. A kernel must not return the tensor that it
 * was given: tfjs takes that for the same tensor, frees it once, and its data stays on the card for good.
 */
export function sameData(backend: WebgpuBackend, { dataId, shape, dtype }: tf.TensorInfo): tf.TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}

/** A tensor whose buffer on the card is there, and whose values are not yet. */
export function emptyGpuTensor(shape: number[], dtype: 'int32' | 'float32'): tf.Tensor {
  const backend = webgpuBackend();
  const info = backend.makeTensorInfo(shape, dtype);
  backend.uploadToGPU(info.dataId);
  return tensorOf(info);
}

/** Puts bytes into a tensor's buffer, ahead of whatever is sent to the device after this. */
export function writeGpuBytes(tensor: tf.Tensor, start: number, bytes: Uint8Array): void {
  const backend = webgpuBackend();
  backend.queue.writeBuffer(backend.tensorToBinding(tensor).buffer, start, bytes);
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

type TypedValues = Float32Array | Int32Array | Uint8Array;

/** Of a value on the card, whatever its type. */
const BYTES = 4;

/**
 * Gives the backend our store of buffers (bufferPool.ts), before its first tensor. What is read is cut to its tensor,
 * and so is what a kernel may see: tfjs's products read past the end of a matrix and take 0 times what lies there,
 * which is NaN where a larger buffer has kept the -100 of somebody's labels.
 */
export function usePool(backend: WebgpuBackend): void {
  if (backend.bufferManager instanceof BufferPool) return;
  backend.bufferManager = new BufferPool(backend.device);
  const sizeOf = (dataId: object): number => tf.util.sizeFromShape(backend.tensorMap.get(dataId)?.shape ?? []);
  const own = (dataId: object, values: TypedValues): TypedValues =>
    backend.tensorMap.has(dataId) ? values.subarray(0, sizeOf(dataId)) : values;
  const { convertAndCacheOnCPU: cache, read, tensorToBinding } = backend;
  backend.convertAndCacheOnCPU = (dataId, values) => cache.call(backend, dataId, own(dataId, values));
  backend.read = async (dataId) => own(dataId, await read.call(backend, dataId));
  backend.tensorToBinding = (tensor) => {
    const { buffer } = tensorToBinding.call(backend, tensor);
    return { buffer, size: BYTES * sizeOf(tensor.dataId) };
  };
}

/** Most bytes of the card that were taken at a time, in use or kept for later. */
export function peakGpuBytes(): number {
  return webgpuBackend().bufferManager.peakBytes;
}

/** Gives the card back what is kept for later use. After a shortage some of it may never have been memory at all. */
export function dropFreeBuffers(): void {
  webgpuBackend().bufferManager.dropFree();
}
