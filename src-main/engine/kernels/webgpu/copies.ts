/** Many tensors to one vector and back by copies of buffers, which need no shader and no bindings. */
import type * as tf from '@tensorflow/tfjs-core';
import type { WebgpuKernels } from './kernel.ts';
import type { WebgpuBackend } from './program.ts';

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
  const buffers = copies.map(({ from, to }) => [buffer(from), buffer(to)] as const);
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  copies.forEach(({ fromFirst, toFirst, count }, i) => {
    const [from, to] = buffers[i]!;
    backend.commandEncoder.copyBufferToBuffer(
      from,
      FLOAT_BYTES * fromFirst,
      to,
      FLOAT_BYTES * toFirst,
      FLOAT_BYTES * count,
    );
  });
}

export const copyKernels: WebgpuKernels = {
  GraftJoin(backend, tensors) {
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
  },
  GraftCut(backend, { x }, { sizes }) {
    let fromFirst = 0;
    const copies = (sizes as number[]).map((count): Copy => {
      const copy = { from: x!, fromFirst, to: backend.makeTensorInfo([count], 'float32'), toFirst: 0, count };
      fromFirst += count;
      return copy;
    });
    runCopies(backend, copies);
    return copies.map(({ to }) => to);
  },
};
