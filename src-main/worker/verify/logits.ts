/** Logits of a base with an adapter, and how far two sets lie apart. */
import * as tf from '@tensorflow/tfjs-core';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { mostBytesPerBinding } from '../../engine/backends/bindingLimit.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import type { Adapter } from '../../methods/adapter.ts';
import { loadDecoder } from '../loadDecoder.ts';

/** The base with an adapter attached (null: by itself), for as long as `use` takes. */
export async function withModel<T>(
  base: BaseModel,
  load: () => Adapter | null,
  use: (model: Decoder) => Promise<T>,
): Promise<T> {
  const plain = await loadDecoder(base);
  const adapter = load();
  try {
    return await use(plain.with(adapter));
  } finally {
    adapter?.dispose();
    plain.dispose();
  }
}

/** (T, V), row by row; as many rows at a time as the engine binds at once. */
export async function allLogits(model: Decoder, ids: Int32Array): Promise<Float32Array> {
  const { vocab, hidden } = model.spec;
  const all = new Float32Array(ids.length * vocab);
  const rows = Math.max(1, Math.floor(mostBytesPerBinding() / (4 * vocab)));
  const states = tf.tidy(() => model.hidden(ids, 1, ids.length)); // (T, C)
  for (let start = 0; start < ids.length; start += rows) {
    const count = Math.min(rows, ids.length - start);
    const logits = tf.tidy(() => model.logits(tf.slice(states, [start, 0], [count, hidden])));
    all.set(await logits.data<'float32'>(), start * vocab);
    logits.dispose();
  }
  states.dispose();
  return all;
}

/** NaN counts as Infinity. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    // The negated comparison also catches NaN.
    if (!(difference <= most)) most = Number.isNaN(difference) ? Infinity : difference;
  }
  return most;
}
