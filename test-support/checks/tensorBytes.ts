/**
 * What tensors really take while something runs: the buffers that tfjs hands out and takes back, each once. (tfjs's own
 * `numBytes` counts a buffer again for every reshaped view of it.) No allocator has a say in it.
 */
import * as tf from '@tensorflow/tfjs-core';

type Buffers = ReturnType<typeof tf.engine>['state']['tensorInfo'];

export interface TensorBytes {
  /** Since the count began: bytes held now, and the most held at a time. */
  held: number;
  peak: number;
}

/** `work` is given the count as it goes on; both begin at 0, whatever is there before. */
export async function countTensorBytes(work: (count: TensorBytes) => Promise<unknown>): Promise<TensorBytes> {
  const { state } = tf.engine();
  const before = state.tensorInfo;
  const count: TensorBytes = { held: 0, peak: 0 };
  const add = (bytes: number): void => {
    count.held += bytes;
    count.peak = Math.max(count.peak, count.held);
  };
  const counted: Pick<Buffers, 'has' | 'get' | 'set' | 'delete'> = {
    has: (id) => before.has(id),
    get: (id) => before.get(id),
    set(id, info) {
      add(info.bytes);
      before.set(id, info);
      return state.tensorInfo;
    },
    delete(id) {
      add(-(before.get(id)?.bytes ?? 0));
      return before.delete(id);
    },
  };
  state.tensorInfo = counted as Buffers;
  try {
    await work(count);
  } finally {
    state.tensorInfo = before;
  }
  return count;
}
