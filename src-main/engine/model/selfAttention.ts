/** The attention half of a block: from the normed stream (N, C) to what is added to it. */
import * as tf from '@tensorflow/tfjs-core';
import { attention, type AttentionRule } from '../ops/attention.ts';
import { joinHeads, splitHeads } from '../ops/heads.ts';
import { rotary } from '../ops/rotary.ts';
import { rowsAttention } from '../ops/rowsAttention.ts';
import { windowOf, type ArchitectureSpec } from './architecture.ts';
import type { KvCache } from './kvCache.ts';
import type { Layers } from './layers.ts';
import type { TokenRows } from './packing.ts';
import type { RotaryAngles } from './rotaryTables.ts';
import { headNormNames } from './tensorNames.ts';

/** What attention needs to know beside its input, made once per forward pass. */
export interface AttentionContext {
  rows: TokenRows;
  /** The mask for this window size (0: none). */
  maskOf(window: number): tf.Tensor;
  /** Of this layer; null where it has no rotary positions. */
  anglesOf(layer: number): RotaryAngles | null;
  /** `index` of VirtualTokens, where the batch has any. */
  virtual: tf.Tensor1D | undefined;
  /** `rows` as of its `rowsFor`. */
  cache: { held: KvCache; rows: tf.Tensor1D } | undefined;
}

/** Queries (N, H·D), keys and values (N, K·D). */
type QueriesKeysValues = [q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D];

/** x: (N, C). Returns (N, C), behind the output projection. */
export function selfAttention(layers: Layers, layer: number, x: tf.Tensor2D, context: AttentionContext): tf.Tensor2D {
  const { heads, kvHeads } = layers.spec;
  const [q, ownK, ownV] = normedHeads(layers, layer, projections(layers, layer, x));
  const { virtual, rows, cache } = context;
  const replaced = virtual && layers.adapter?.virtual?.keysValues?.(ownK, ownV, layer, virtual);
  const [k, v] = replaced ?? [ownK, ownV];
  const rule = ruleOf(layers.spec, layer);
  const mask = context.maskOf(rule.window);
  const out = cache
    ? cachedAttention(layers.spec, layer, [q, k, v], { ...context, cache })
    : rowsAttention(q, k, v, rows, { heads, kvHeads, ...rule, mask, tables: context.anglesOf(layer) });
  return layers.linear(layer, 'o', out); // out: (N, H·D)
}

/** Attention of the T new tokens of each row to all that the cache then holds. q: (B·T, H·D), k and v: (B·T, K·D). */
function cachedAttention(
  spec: ArchitectureSpec,
  layer: number,
  [q2, k2, v2]: QueriesKeysValues,
  { rows, maskOf, anglesOf, cache }: AttentionContext & { cache: NonNullable<AttentionContext['cache']> },
): tf.Tensor2D {
  const { heads: H, kvHeads: K } = spec;
  const angles = anglesOf(layer);
  const turned = (x: tf.Tensor4D): tf.Tensor4D => (angles ? rotary(x, angles.cos, angles.sin) : x);
  const q = turned(splitHeads(q2, rows.B, H)); // (B, H, T, D)
  const [newK, newV] = [turned(splitHeads(k2, rows.B, K)), splitHeads(v2, rows.B, K)]; // (B, K, T, D)
  const { k, v } = cache.held.extend(layer, newK, newV, cache.rows); // (B, K, S, D)
  const rule = ruleOf(spec, layer);
  return joinHeads(attention(q, k, v, maskOf(rule.window), rule));
}

function ruleOf(spec: ArchitectureSpec, layer: number): AttentionRule {
  const { attentionCap = 0, attentionScale } = spec;
  return { window: windowOf(spec, layer), cap: attentionCap, ...(attentionScale ? { scale: attentionScale } : {}) };
}

/** Queries and keys normed where the architecture says so. */
function normedHeads(layers: Layers, layer: number, [q, k, v]: QueriesKeysValues): QueriesKeysValues {
  const { spec } = layers;
  if (!spec.qkNorm) return [q, k, v];
  const normed = (y: tf.Tensor2D, names: string[]): tf.Tensor2D =>
    spec.qkNorm === 'all'
      ? layers.norm(y, names)
      : tf.reshape(layers.norm(tf.reshape(y, [-1, spec.headDim]), names), y.shape);
  const [qNorm, kNorm] = headNormNames(spec, layer);
  return [normed(q, qNorm), normed(k, kNorm), v];
}

function projections(layers: Layers, layer: number, x: tf.Tensor2D): QueriesKeysValues {
  const { fusedQkv, heads: H, kvHeads: K, headDim: D } = layers.spec;
  if (!fusedQkv) return [layers.linear(layer, 'q', x), layers.linear(layer, 'k', x), layers.linear(layer, 'v', x)];
  const fused = layers.linear(layer, 'qkv', x);
  if (fusedQkv === 'blocks') {
    const [q, k, v] = tf.split(fused, [H * D, K * D, K * D], 1) as QueriesKeysValues;
    return [
      layers.adaptedPart(layer, 'q', x, q),
      layers.adaptedPart(layer, 'k', x, k),
      layers.adaptedPart(layer, 'v', x, v),
    ];
  }
  const perHead = tf.reshape(fused, [-1, H, 3 * D]);
  const ofAll = (part: tf.Tensor): tf.Tensor2D => tf.reshape(part, [-1, H * D]);
  const [q, k, v] = tf.split(perHead, 3, 2) as [tf.Tensor, tf.Tensor, tf.Tensor];
  return [ofAll(q), ofAll(k), ofAll(v)];
}
