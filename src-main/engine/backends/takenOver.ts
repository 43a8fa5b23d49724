/**
 * Memory for values that libtensorflow takes over as they lie. It does so where the first byte lies at a multiple of 64
 * and copies from anywhere else, but JavaScript does not say where an array lies: whether a tensor shares its memory is
 * tried out.
 */
import * as tf from '@tensorflow/tfjs-core';
import { collectGarbage, WORTH_COLLECTING } from './collectGarbage.ts';
import { tensorflowBackend, type TensorflowBackend } from './tfjsInternals.ts';

const ALIGNMENT = 64;
/** What every allocator keeps to. */
const STEP = 16;
/** Copying less takes no longer than trying out. */
const LARGE_BYTES = 256 << 10;

/** Where the values began that were shared last. glibc's large allocations begin 16 bytes into a page. */
let usualStart = ALIGNMENT - STEP;

/** Data of tensors that took their memory over. */
const takenOver = new WeakSet<object>();
/** Of such memory, disposed of since the last collection. */
let looseBytes = 0;

/**
 * `count` float32 zeros, to be filled before a tensor is made of them. Large ones do not count as V8's own memory, of
 * which some hundred megabytes would have it collect garbage again and again while a model is loaded.
 */
export function valuesToFill(count: number): Float32Array {
  const bytes = 4 * count;
  if (bytes < LARGE_BYTES || !onProcessor()) return new Float32Array(count);
  const buffer = new SharedArrayBuffer(bytes + ALIGNMENT);
  for (let tried = 0; tried < ALIGNMENT; tried += STEP) {
    const start = (usualStart + tried) % ALIGNMENT;
    if (!sharesMemory(tensorflowBackend(), new Float32Array(buffer, start, 1))) continue;
    usualStart = start;
    break;
  }
  return new Float32Array(buffer, usualStart, count);
}

/**
 * A float32 tensor of the current backend. The TensorFlow backend takes values over only when an op first needs them:
 * large ones it gets at once, so that an array it copies is garbage now, one at a time.
 */
export function tensorOfFilled(values: Float32Array, shape: number[]): tf.Tensor {
  const tensor = tf.tensor(values, shape, 'float32');
  if (values.byteLength < LARGE_BYTES || tf.getBackend() !== 'tensorflow') return tensor;
  tensorflowBackend().getInputTensorIds([tensor]); // as for an op
  if (values.buffer instanceof SharedArrayBuffer) takenOver.add(tensor.dataId);
  return tensor;
}

/**
 * Disposes a tensor. Memory that it took over is garbage then, which only V8 can free, and V8 does not know how much it
 * is: it is collected as soon as whoever disposes is done.
 */
export function release(tensor: tf.Tensor): void {
  const { dataId, size } = tensor;
  tensor.dispose();
  if (!takenOver.delete(dataId)) return;
  const before = looseBytes;
  looseBytes += 4 * size;
  if (before <= WORTH_COLLECTING && looseBytes > WORTH_COLLECTING) setImmediate(collectLoose);
}

function collectLoose(): void {
  looseBytes = 0;
  collectGarbage();
}

/** Whether a tensor of one value goes on using the array's memory; the value is 0 afterwards. */
function sharesMemory(backend: TensorflowBackend, value: Float32Array): boolean {
  value[0] = 0;
  const tensor = tf.tensor1d(value);
  backend.getInputTensorIds([tensor]);
  value[0] = 1;
  const [seen] = tensor.dataSync();
  value[0] = 0;
  tensor.dispose();
  return seen === 1;
}

function onProcessor(): boolean {
  return tf.getBackend() === 'tensorflow' && !tensorflowBackend().isUsingGpuDevice;
}
