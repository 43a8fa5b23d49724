/** What tfjsInternals.ts takes for granted of tfjs is there, in the shape that it takes for granted. */
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { bootOrNote } from '../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { bootBackend } from './backends.ts';
import {
  dropFreeBuffers,
  engineState,
  replaceKernel,
  runKernel,
  submit,
  tensorflowBackend,
  tensorOf,
  webgpuBackend,
  withKernelsWatched,
  type TapeNode,
} from './tfjsInternals.ts';

/** The type of each member, its own and inherited ones. */
function membersOf(object: object): Record<string, string> {
  const found: Record<string, string> = {};
  for (
    let owner: object | null = object;
    owner && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object
  )
    for (const name of Object.getOwnPropertyNames(owner))
      found[name] ??= typeof (object as Record<string, unknown>)[name];
  return found;
}

const notes = new Map<string, string>();
for (const engine of ['tensorflow', 'wasm', 'webgpu'] as const) notes.set(engine, await bootOrNote(engine));

describe.each(['tensorflow', 'wasm'] as const)('the engine on %s', (name) => {
  beforeAll(async () => void (await bootBackend(name)));

  it('keeps its tape and counters where we look', () => {
    expect(membersOf(engineState())).toMatchObject({
      gradientDepth: 'number',
      kernelDepth: 'number',
      numBytes: 'number',
    });
    expect(engineState().activeTape ?? null).toBeNull();
  });

  it('puts an op with its inputs, outputs, what it saved and its gradient on the tape', () => {
    const state = engineState();
    const x = tf.tensor1d([1, 2]);
    const tape: TapeNode[] = [];
    state.activeTape = tape;
    state.gradientDepth++;
    const y = tf.square(x);
    state.kernelDepth++;
    tf.square(x).dispose(); // inside a kernel nothing is recorded
    state.kernelDepth--;
    state.gradientDepth--;
    state.activeTape = null;
    const [node, ...others] = tape.filter(({ kernelName }) => kernelName === 'Square');
    expect(others).toEqual([]);
    expect(node).toMatchObject({ kernelName: 'Square', inputs: { x }, outputs: [y] });
    const dx = node!.gradient!([tf.tensor1d([10, 10])])['x']!();
    expect([...dx.dataSync()]).toEqual([20, 40]);
    tf.dispose([x, y, dx, ...(node!.saved ?? [])]);
  });

  it('runs a kernel by name, under watch, and counts its bytes', () => {
    const x = tf.tensor1d([3, 4]);
    const before = engineState().numBytes;
    let watched = 0;
    const [y] = withKernelsWatched(
      () => watched++,
      () => runKernel('Square', { x }, {}),
    );
    expect([...y!.dataSync()]).toEqual([9, 16]);
    expect(watched).toBe(1);
    expect(engineState().numBytes).toBe(before + 8);
    tf.dispose([x, y]);
  });

  it('replaces a kernel and gives back the one before', () => {
    const x = tf.tensor1d([-1]);
    const { kernelFunc } = tf.getKernel('Abs', name);
    replaceKernel('Abs', name, (usual) => {
      expect(usual).toBe(kernelFunc);
      return ({ inputs }) => kernelFunc({ inputs: inputs as tf.NamedTensorInfoMap, attrs: {}, backend: tf.backend() });
    });
    expect([...tf.abs(x).dataSync()]).toEqual([1]);
    replaceKernel('Abs', name, () => kernelFunc as never);
    expect(tf.getKernel('Abs', name).kernelFunc).toBe(kernelFunc);
  });
});

describe.skipIf(notes.get('tensorflow') !== '')('the tensorflow backend', () => {
  beforeAll(async () => void (await bootBackend('tensorflow')));

  it('calls libtensorflow by name', () => {
    const backend = tensorflowBackend();
    expect(membersOf(backend)).toMatchObject({
      isUsingGpuDevice: 'boolean',
      executeSingleOutput: 'function',
      readSync: 'function',
      write: 'function',
    });
    expect(membersOf(backend.binding)).toMatchObject({
      TF_ATTR_TYPE: 'number',
      TF_ATTR_BOOL: 'number',
      TF_FLOAT: 'number',
      TF_INT32: 'number',
    });
    const type = { name: 'T', type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_FLOAT };
    const sum = backend.executeSingleOutput('AddV2', [type], [tf.scalar(1), tf.scalar(2)]);
    expect([...sum.dataSync()]).toEqual([3]);
    const info = { dataId: backend.write(Float32Array.of(7), [1], 'float32'), shape: [1], dtype: 'float32' } as const;
    expect([...backend.readSync(info.dataId)]).toEqual([7]);
    expect([...tensorOf({ ...info, shape: [1] }).dataSync()]).toEqual([7]);
  });
});

describe.skipIf(notes.get('webgpu') !== '')(`the webgpu backend${notes.get('webgpu')}`, () => {
  beforeAll(async () => void (await bootBackend('webgpu')));

  it('has the members that our programs use', () => {
    const backend = webgpuBackend();
    expect(membersOf(backend)).toMatchObject({
      device: 'object',
      queue: 'object',
      tensorMap: 'object',
      bufferManager: 'object',
      commandQueueOwnedIds: 'object',
      dispatchCountInPass: 'number',
      makeTensorInfo: 'function',
      uploadToGPU: 'function',
      tensorToBinding: 'function',
      makeUniforms: 'function',
      incRef: 'function',
      disposeData: 'function',
      ensureCommandEncoderReady: 'function',
      endComputePassEncoder: 'function',
      submitQueue: 'function',
    });
    expect('commandEncoder' in backend && 'computePassEncoder' in backend).toBe(true);
    expect(membersOf(backend.queue)).toMatchObject({ onSubmittedWorkDone: 'function' });
    expect(tf.env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')).toBeGreaterThan(0);
    const info = backend.makeTensorInfo([4], 'float32');
    backend.uploadToGPU(info.dataId);
    expect(backend.tensorMap.has(info.dataId)).toBe(true);
    expect(backend.tensorToBinding(info).buffer).toBeTypeOf('object');
    backend.ensureCommandEncoderReady();
    expect(membersOf(backend.commandEncoder)).toMatchObject({
      beginComputePass: 'function',
      copyBufferToBuffer: 'function',
    });
    submit(backend);
    backend.disposeData(info.dataId);
    expect(backend.tensorMap.has(info.dataId)).toBe(false);
  });

  it("lets tfjs's products, which read past a matrix, see nothing of what a larger buffer held", async () => {
    const values = (size: number, scale: number): Float32Array =>
      Float32Array.from({ length: size }, (_, i) => scale * ((i % 7) - 3));
    const [inner, rows, columns] = [33, 40, 64];
    const [left, right] = [values(inner * rows, 0.5), values(inner * columns, 0.25)];
    const a = tf.tensor2d(left, [inner, rows]);
    dropFreeBuffers();
    const before = tf.fill([1.5 * inner * columns], NaN);
    await before.data();
    before.dispose();
    const b = tf.add(tf.tensor2d(right, [inner, columns]), 0); // in the buffer of `before`
    const product = await tf.matMul(a, b, true).data();
    const wanted = Array.from({ length: rows * columns }, (_, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns];
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += (left[k * rows + row] ?? NaN) * (right[k * columns + column] ?? NaN);
      return sum;
    });
    expectClose(product as Float32Array, wanted, { rtol: 1e-5, atol: 1e-5 }, 'product');
  });

  it('keeps freed buffers for tensors up to half as large, counts them, and can do without', async () => {
    const { bufferManager } = webgpuBackend();
    dropFreeBuffers();
    const square = (size: number, root: number): tf.Tensor => tf.tidy(() => tf.square(tf.fill([size], root)));
    const x = square(1000, 3);
    await x.data();
    x.dispose();
    const before = bufferManager.numBytesAllocated;
    const y = square(600, 2); // in buffers of 1000 values
    expect([...(await y.data())]).toEqual(new Array(600).fill(4));
    expect([...(await y.data())]).toEqual(new Array(600).fill(4)); // kept on the processor
    y.dispose();
    expect(bufferManager.numBytesAllocated).toBe(before);
    expect(bufferManager.numFreeBuffers).toBeGreaterThan(0);
    dropFreeBuffers();
    expect(bufferManager.numFreeBuffers).toBe(0);
    expect(bufferManager.numBytesAllocated).toBeLessThan(before);
    expect(bufferManager.peakBytes).toBeGreaterThanOrEqual(before);
  });

  it('hands tensors, uniforms and staging buffers out by the calls that our store answers', () => {
    const { WebGPUBackend } = createRequire(import.meta.url)('@tensorflow/tfjs-backend-webgpu') as {
      WebGPUBackend: { prototype: object };
    };
    const text = Object.values(Object.getOwnPropertyDescriptors(WebGPUBackend.prototype))
      .map(({ value }) => String(value))
      .join();
    const asked = new Set([...text.matchAll(/bufferManager\.(\w+)/g)].map(([, member]) => member!));
    expect(asked.size).toBeGreaterThan(3);
    expect(membersOf(webgpuBackend().bufferManager)).toMatchObject(
      Object.fromEntries([...asked].map((member) => [member, expect.any(String) as string])),
    );
  });
});
