/** Which buffer a tensor gets, and what the store counts. */
import { expect, it } from 'vitest';
import { BufferPool, type GpuBuffer } from './bufferPool.ts';

const [STORAGE, UNIFORM] = [0x8c, 0x48];

function pool(maxStorageBufferBindingSize = 1e9): { pool: BufferPool; destroyed: GpuBuffer[] } {
  const destroyed: GpuBuffer[] = [];
  const createBuffer = ({ size, usage }: { size: number; usage: number }): GpuBuffer => {
    const buffer: GpuBuffer = { size, usage, destroy: () => void destroyed.push(buffer) };
    return buffer;
  };
  return { pool: new BufferPool({ limits: { maxStorageBufferBindingSize }, createBuffer }), destroyed };
}

it('gives a tensor the smallest free buffer that is large enough and at most twice its size', () => {
  const { pool: store } = pool();
  const [small, middle, large] = [100, 150, 300].map((size) => store.acquireBuffer(size, STORAGE)) as [
    GpuBuffer,
    GpuBuffer,
    GpuBuffer,
  ];
  for (const buffer of [large, small, middle]) store.releaseBuffer(buffer);
  expect(store.acquireBuffer(120, STORAGE)).toBe(middle);
  expect(store.acquireBuffer(100, STORAGE)).toBe(small);
  expect(store.acquireBuffer(140, STORAGE)).not.toBe(large); // more than twice
  expect(store.acquireBuffer(150, STORAGE)).toBe(large);
  expect(store.numBytesAllocated).toBe(100 + 150 + 300 + 140);
});

it('takes nothing larger than the device binds, and uniforms at their very size', () => {
  const { pool: store } = pool(250);
  const [joined, uniform] = [store.acquireBuffer(300, STORAGE), store.acquireBuffer(64, UNIFORM)];
  store.releaseBuffer(joined);
  store.releaseBuffer(uniform);
  expect(store.acquireBuffer(240, STORAGE)).not.toBe(joined);
  expect(store.acquireBuffer(48, UNIFORM)).not.toBe(uniform);
  expect(store.acquireBuffer(64, UNIFORM)).toBe(uniform);
});

it('counts what is lent, free and the most at a time, and gives back what it is told to', () => {
  const { pool: store, destroyed } = pool();
  const [a, b] = [store.acquireBuffer(100, STORAGE), store.acquireBuffer(50, STORAGE)];
  store.releaseBuffer(a);
  expect([store.numBytesUsed, store.numBytesAllocated, store.numFreeBuffers, store.numUsedBuffers]).toEqual([
    50, 150, 1, 1,
  ]);
  store.releaseBuffer(b, false);
  expect(destroyed).toEqual([b]);
  store.dropFree();
  expect(destroyed).toEqual([b, a]);
  expect([store.numBytesUsed, store.numBytesAllocated, store.numFreeBuffers]).toEqual([0, 0, 0]);
  expect(store.peakBytes).toBe(150);
  store.restartPeak();
  store.acquireBuffer(10, STORAGE);
  expect(store.peakBytes).toBe(10);
});
