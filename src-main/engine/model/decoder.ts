/**
 * The decoder-only transformer, top to bottom: embeddings, L blocks of attention and MLP around a residual stream,
 * final norm. One code for all families; the ArchitectureSpec decides. It knows no files, no training, no sampling.
 * Activations are kept two-dimensional, (N, C) with one row per token, except inside attention.
 */
import * as tf from '@tensorflow/tfjs-core';
import { attention, attentionMask } from '../ops/attention.ts';
import { embedding } from '../ops/embedding.ts';
import { frozenLinear } from '../ops/frozenLinear.ts';
import { gelu } from '../ops/gelu.ts';
import { joinHeads, splitHeads } from '../ops/heads.ts';
import { addLayerNorm, layerNorm } from '../ops/layerNorm.ts';
import { addRmsNorm, rmsNorm } from '../ops/rmsNorm.ts';
import { rotary } from '../ops/rotary.ts';
import { rowsAttention } from '../ops/rowsAttention.ts';
import { swiglu } from '../ops/swiglu.ts';
import { linearModules, windowOf, type ArchitectureSpec, type LinearLayout, type LinearModule, type Target } from './architecture.ts';
import type { KvCache } from './kvCache.ts';
import { fullRows, type TokenPlaces, type TokenRows } from './packing.ts';
import type { Parameter } from './parameters.ts';
import { ropeTables } from './rope.ts';
import { disposeWeights, finalNormNames, headName, normNames, positionEmbeddingName, tokenEmbeddingName, type Weights } from './weights.ts';

/** What a fine-tuning method adds to linear layers. */
export interface LinearDelta {
  /** x: (N, in), y: (N, out), the base's output. Returns y with the method's part for x added, y itself where there is none. */
  addTo(y: tf.Tensor2D, layer: number, target: Target, x: tf.Tensor2D): tf.Tensor2D;
}

export class Decoder {
  readonly spec: ArchitectureSpec;
  readonly weights: Weights;
  /** The adapter in use; replacing it is all that switching a task takes. */
  adapter: LinearDelta | null = null;
  /** Whether the base's weights need no gradient, as with every method but full fine-tuning. */
  frozen = true;
  private readonly modules: Map<string, LinearModule>;
  private rope: { T: number; cos: tf.Tensor2D; sin: tf.Tensor2D } | null = null;

  constructor(spec: ArchitectureSpec, weights: Weights) {
    this.spec = spec;
    this.weights = weights;
    this.modules = new Map(linearModules(spec).map((m) => [`${m.layer}.${m.target}`, m]));
  }

  /** W of the vocabulary projection, (V, C). */
  get head(): tf.Tensor2D {
    return this.tensor(headName(this.spec)) as tf.Tensor2D;
  }

  /**
   * Hidden states after the final norm. ids: (N) int32, row by row; N = B·T, or fewer where `packing` leaves padding out.
   * With a cache the T tokens continue it. Returns (N, C).
   */
  hidden(ids: tf.Tensor1D, B: number, T: number, { cache, packing }: { cache?: KvCache; packing?: TokenPlaces } = {}): tf.Tensor2D {
    const { spec } = this;
    const start = cache?.length ?? 0;
    let x = embedding(this.tensor(tokenEmbeddingName(spec)) as tf.Tensor2D, ids); // (N, C)
    const rows: TokenRows = { B, T, ...(packing ?? fullRows(B, T, start)), ...(cache ? { positions: cache.positions(T) } : {}) };
    if (spec.positions === 'learned') x = tf.add(x, embedding(this.tensor(positionEmbeddingName(spec)) as tf.Tensor2D, rows.positions));
    const tables = spec.positions === 'rotary' ? this.ropeRows(start, T, cache?.isPadded ? rows : undefined) : null;
    const windows = new Set(Array.from({ length: spec.layers }, (_, layer) => windowOf(spec, layer)));
    const maskOf = (window: number): tf.Tensor => (cache && !cache.isPlain(T) ? cache.mask(T, window) : attentionMask(T, start + T, window));
    const masks = new Map([...windows].map((window) => [window, maskOf(window)]));
    let stream: Stream = { x, normed: this.norm(x, normNames(spec, 0)[0]) };
    for (let layer = 0; layer < spec.layers; layer++) {
      const [, beforeMlp] = normNames(spec, layer);
      const next = layer + 1 < spec.layers ? normNames(spec, layer + 1)[0] : finalNormNames(spec);
      stream = this.halfBlock(stream, (h) => this.attentionBlock(layer, h, { rows, masks, tables }, cache), beforeMlp);
      stream = this.halfBlock(stream, (h) => this.mlpBlock(layer, h), next);
    }
    if (cache) cache.length += T;
    stream.x.dispose();
    return stream.normed;
  }

  /** Logits of hidden states. h: (M, C). Returns (M, V). */
  logits(h: tf.Tensor2D): tf.Tensor2D {
    return tf.matMul(h, this.head, false, true);
  }

  dispose(): void {
    disposeWeights(this.weights);
    this.rope?.cos.dispose();
    this.rope?.sin.dispose();
    this.rope = null;
  }

  /**
   * x + f(norm of x) and the norm that comes after it, in one op; frees the stream before. What the gradient needs is
   * kept by the tape; everything else goes here and now.
   */
  private halfBlock({ x, normed }: Stream, f: (normed: tf.Tensor2D) => tf.Tensor2D, next: string[]): Stream {
    const [sum, nextNormed] = tf.tidy(() => this.addNorm(x, f(normed), next));
    tf.dispose([x, normed]);
    return { x: sum, normed: nextNormed };
  }

  private attentionBlock(layer: number, x: tf.Tensor2D, context: AttentionContext, cache?: KvCache): tf.Tensor2D {
    const { heads, kvHeads } = this.spec;
    const [q, k, v] = this.queriesKeysValues(layer, x);
    const window = windowOf(this.spec, layer);
    const { rows, tables } = context;
    const mask = context.masks.get(window)!;
    const out = cache ? this.cachedAttention(layer, [q, k, v], context, cache) : rowsAttention(q, k, v, rows, { heads, kvHeads, window, cap: 0, mask, tables });
    return this.linear(layer, 'o', out); // out: (N, H·D)
  }

  /** Attention of the T new tokens of each row to all that the cache then holds. q: (B·T, H·D), k and v: (B·T, K·D). */
  private cachedAttention(layer: number, [q2, k2, v2]: [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D], { rows, masks, tables }: AttentionContext, cache: KvCache): tf.Tensor2D {
    const { heads: H, kvHeads: K } = this.spec;
    const turned = (x: tf.Tensor4D): tf.Tensor4D => (tables ? rotary(x, tables.cos, tables.sin) : x);
    const q = turned(splitHeads(q2, rows.B, H)); // (B, H, T, D)
    const { k, v } = cache.extend(layer, turned(splitHeads(k2, rows.B, K)), splitHeads(v2, rows.B, K)); // (B, K, S, D)
    const window = windowOf(this.spec, layer);
    return joinHeads(attention(q, k, v, masks.get(window)!, { window, cap: 0 }));
  }

  /** q (N, H·D), k and v (N, K·D); GPT-2 computes the three in one fused product. */
  private queriesKeysValues(layer: number, x: tf.Tensor2D): [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D] {
    if (this.spec.family !== 'gpt2') return [this.linear(layer, 'q', x), this.linear(layer, 'k', x), this.linear(layer, 'v', x)];
    const [q, k, v] = tf.split(this.linear(layer, 'qkv', x), 3, 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    return [this.withDelta(layer, 'q', x, q), this.withDelta(layer, 'k', x, k), this.withDelta(layer, 'v', x, v)];
  }

  private mlpBlock(layer: number, x: tf.Tensor2D): tf.Tensor2D {
    if (this.spec.mlp === 'gelu') return this.linear(layer, 'proj', gelu(this.linear(layer, 'fc', x)));
    return this.linear(layer, 'down', swiglu(this.linear(layer, 'gate', x), this.linear(layer, 'up', x)));
  }

  /** y = xW (+ b) (+ the adapter's part). x: (N, in). Returns (N, out). */
  private linear(layer: number, target: Target, x: tf.Tensor2D): tf.Tensor2D {
    const module = this.modules.get(`${layer}.${target}`)!;
    const bias = module.bias ? this.weights.get(module.bias)?.value : undefined;
    return this.withDelta(layer, target, x, this.product(x, this.weights.get(module.weight)!, bias, module.layout));
  }

  private product(x: tf.Tensor2D, w: Parameter, bias: tf.Tensor | undefined, layout: LinearLayout): tf.Tensor2D {
    if (this.frozen) return frozenLinear(x, w, bias, layout);
    const y: tf.Tensor2D = tf.matMul(x, w.value as tf.Tensor2D, false, layout === 'out_in');
    return bias ? tf.add(y, bias) : y;
  }

  private withDelta(layer: number, target: Target, x: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor2D {
    return this.adapter?.addTo(y, layer, target, x) ?? y;
  }

  private norm(x: tf.Tensor2D, names: string[]): tf.Tensor2D {
    const [w, b] = names.map((name) => this.tensor(name));
    return b ? layerNorm(x, w!, b, this.spec.normEps) : rmsNorm(x, w!, this.spec.normEps);
  }

  private addNorm(x: tf.Tensor2D, f: tf.Tensor2D, names: string[]): [tf.Tensor2D, tf.Tensor2D] {
    const [w, b] = names.map((name) => this.tensor(name));
    return b ? addLayerNorm(x, f, w!, b, this.spec.normEps) : addRmsNorm(x, f, w!, this.spec.normEps);
  }

  /**
   * cos and sin for T positions from `start`, (T, D/2), or for the positions of each of `rows`, (B, 1, T, D/2). The tables
   * grow when a longer sequence comes.
   */
  private ropeRows(start: number, T: number, rows?: TokenRows): RotaryTables {
    const end = start + T;
    const half = this.spec.headDim / 2;
    if (!this.rope || this.rope.T < end) {
      this.rope?.cos.dispose();
      this.rope?.sin.dispose();
      const size = Math.max(end, Math.min(this.spec.maxPositions, 2 * end));
      const { cos, sin } = ropeTables(this.spec, size);
      this.rope = { T: size, cos: tf.keep(tf.tensor2d(cos, [size, half])), sin: tf.keep(tf.tensor2d(sin, [size, half])) };
    }
    const { cos, sin } = this.rope;
    const taken = (table: tf.Tensor2D): tf.Tensor => (rows ? tf.reshape(tf.gather(table, rows.positions), [rows.B, 1, T, half]) : tf.slice(table, [start, 0], [T, half]));
    return { cos: taken(cos), sin: taken(sin) };
  }

  private tensor(name: string): tf.Tensor {
    return this.weights.get(name)!.value;
  }
}

/** The residual stream and its norm that the next half of a block reads, both (N, C). */
interface Stream {
  x: tf.Tensor2D;
  normed: tf.Tensor2D;
}

/** What attention needs to know beside its queries, keys and values, made once per forward pass. */
interface AttentionContext {
  rows: TokenRows;
  /** The mask of each window size (0: none) among the layers. */
  masks: Map<number, tf.Tensor>;
  tables: RotaryTables | null;
}

/** Of the rows' positions: (T, D/2), or (B, 1, T, D/2) where each row has its own. */
interface RotaryTables {
  cos: tf.Tensor;
  sin: tf.Tensor;
}
