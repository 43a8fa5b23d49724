/** Many tensors to one vector and back by copies of buffers, which need no shader and no bindings. */
import type * as tf from '@tensorflow/tfjs-core';
import { cutOp, joinOp } from '../../optim/flatTensors.ts';
import { webgpuKernel } from './kernel.ts';
import type { WebgpuBackend } from '../../backends/tfjsInternals.ts';

const FLOAT_BYTES = 4;

interface Copy {
  from: tf.TensorInfo;
  fromFirst: number;
  to: tf.TensorInfo;
  toFirst: number;
  /** Values; firsts and counts are in values, not bytes. */
  count: number;
}

const sizeOf = ({ shape }: tf.TensorInfo): number => shape.reduce((a, b) => a * b, 1);

function runCopies(backend: WebgpuBackend, copies: Copy[]): void {
  const buffer = (tensor: tf.TensorInfo): object => {
    backend.uploadToGPU(tensor.dataId);
    backend.commandQueueOwnedIds.add(tensor.dataId); // a tensor disposed before the queue is submitted waits for it
    return backend.tensorToBinding(tensor).buffer;
  };
  const bound = copies.map(({ from, to, ...copy }) => ({ ...copy, from: buffer(from), to: buffer(to) }));
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  bound.forEach(({ from, to, fromFirst, toFirst, count }) => {
    backend.commandEncoder.copyBufferToBuffer(
      from,
      FLOAT_BYTES * fromFirst,
      to,
      FLOAT_BYTES * toFirst,
      FLOAT_BYTES * count,
    );
  });
}

export const copyKernels = [
  webgpuKernel(joinOp, (backend, tensors) => {
    const parts = Object.values(tensors);
    const to = backend.makeTensorInfo([parts.reduce((sum, part) => sum + sizeOf(part), 0)], 'float32');
    let toFirst = 0;
    const copies = parts.map((from): Copy => {
      const copy = { from, fromFirst: 0, to, toFirst, count: sizeOf(from) };
      toFirst += copy.count;
      return copy;
    });
    runCopies(backend, copies);
    return [to];
  }),
  webgpuKernel(cutOp, (backend, { x }, { sizes }) => {
    let fromFirst = 0;
    const copies = sizes.map((count): Copy => {
      const copy = { from: x, fromFirst, to: backend.makeTensorInfo([count], 'float32'), toFirst: 0, count };
      fromFirst += count;
      return copy;
    });
    runCopies(backend, copies);
    return copies.map(({ to }) => to);
  }),
];
