/** Logits of a base with an adapter, and how far two sets lie apart. */
import * as tf from '@tensorflow/tfjs-core';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import type { Adapter } from '../../methods/adapter.ts';
import { loadDecoder } from '../loadDecoder.ts';

/** The base with an adapter attached (null: by itself), for as long as `use` takes. */
export async function withModel<T>(
  base: BaseModel,
  load: () => Adapter | null,
  use: (model: Decoder) => Promise<T>,
): Promise<T> {
  const plain = loadDecoder(base, { forwardOnly: true });
  const adapter = load();
  try {
    return await use(plain.with(adapter));
  } finally {
    adapter?.dispose();
    plain.dispose();
  }
}

/** (T, V), row by row. */
export async function allLogits(model: Decoder, ids: Int32Array): Promise<Float32Array> {
  const logits = tf.tidy(() => model.logits(model.hidden(ids, 1, ids.length)));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
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
