/**
 * The decoder-only transformer, top to bottom: embeddings, L blocks of attention and MLP around a residual stream,
 * final norm. One code for all families; the ArchitectureSpec decides. It knows no files, no training, no sampling.
 * Activations are kept two-dimensional, (N, C) with one row per token, except inside attention.
 */
import * as tf from '@tensorflow/tfjs-core';
import { attention, attentionMask, type AttentionRule } from '../ops/attention.ts';
import { embedding } from '../ops/embedding.ts';
import { frozenLinear } from '../ops/frozenLinear.ts';
import { gelu } from '../ops/gelu.ts';
import { geluExact } from '../ops/geluExact.ts';
import { joinHeads, splitHeads } from '../ops/heads.ts';
import { addLayerNorm, layerNorm } from '../ops/layerNorm.ts';
import { addRmsNorm, rmsNorm } from '../ops/rmsNorm.ts';
import { rotary } from '../ops/rotary.ts';
import { rowsAttention } from '../ops/rowsAttention.ts';
import { swiglu } from '../ops/swiglu.ts';
import { type ArchitectureSpec, type LinearModule, linearModules, windowOf } from './architecture.ts';
import type { Target } from '../../../src-shared/targets.ts';
import type { Attachment, LinearInUse } from './attachment.ts';
import type { KvCache } from './kvCache.ts';
import { fullRows, type TokenPlaces, type TokenRows } from './packing.ts';
import type { Parameter } from './parameters.ts';
import { ropeTables } from './rope.ts';
import {
  disposeWeights,
  finalNormNames,
  headName,
  headNormNames,
  normNames,
  positionEmbeddingName,
  postNormNames,
  SCORE,
  tokenEmbeddingName,
  type Weights,
} from './weights.ts';

export class Decoder {
  readonly spec: ArchitectureSpec;
  readonly weights: Weights;
  /** The adapter in use; replacing it is all that switching a task takes. */
  adapter: Attachment | null = null;
  /** Set for the forward pass of a training step that adds noise to the token embeddings x (N, C) of `rows`. */
  inputNoise: ((x: tf.Tensor2D, rows: TokenRows) => tf.Tensor2D) | null = null;
  /** Set for the forward pass of a training step that computes each block again instead of keeping its activations. */
  recompute: Recompute | null = null;
  private readonly modules: Map<string, LinearModule>;
  private rope: { T: number; cos: tf.Tensor2D; sin: tf.Tensor2D } | null = null;

  constructor(spec: ArchitectureSpec, weights: Weights) {
    this.spec = spec;
    this.weights = weights;
    this.modules = new Map(linearModules(spec).map((m) => [`${m.layer}.${m.target}`, m]));
  }

  /** W of the vocabulary projection, (V, C), or of the classes where the adapter has a head of its own. */
  get head(): tf.Tensor2D {
    return (this.adapter?.overrides?.get(SCORE)?.value ?? this.tensor(headName(this.spec))) as tf.Tensor2D;
  }

  /**
   * Hidden states after the final norm. ids: N token ids, row by row; N = B·T, or fewer where `packing` leaves padding
   * out; ids from V on are the adapter's virtual tokens. With a cache the T tokens continue it. Call it under tidy.
   * Returns (N, C).
   */
  hidden(
    ids: ArrayLike<number>,
    B: number,
    T: number,
    { cache, packing }: { cache?: KvCache; packing?: TokenPlaces } = {},
  ): tf.Tensor2D {
    const { spec } = this;
    const start = cache?.length ?? 0;
    const { real, virtual } = virtualIndex(ids, spec.vocab);
    const rows: TokenRows = {
      B,
      T,
      ...(packing ?? fullRows(B, T, start)),
      ...(cache ? { positions: cache.positions(T) } : {}),
    };
    if (virtual && this.adapter?.virtual?.keysValues) rows.positions = tf.mul(rows.positions, virtual.isReal);
    const x = this.embedded(real, rows, virtual?.index);
    const tables =
      spec.positions === 'rotary'
        ? this.ropeRows(start, T, cache?.isPadded || (cache && virtual) ? rows : undefined)
        : null;
    const windows = new Set(Array.from({ length: spec.layers }, (_, layer) => windowOf(spec, layer)));
    const maskOf = (window: number): tf.Tensor =>
      cache && !cache.isPlain(T) ? cache.mask(T, window) : attentionMask(T, start + T, window);
    const masks = new Map([...windows].map((window) => [window, maskOf(window)]));
    let stream: Stream = { x, normed: this.norm(x, normNames(spec, 0)[0]) };
    for (let layer = 0; layer < spec.layers; layer++) {
      const [beforeAttention, beforeMlp] = normNames(spec, layer);
      const next = layer + 1 < spec.layers ? normNames(spec, layer + 1)[0] : finalNormNames(spec);
      const attend = (h: tf.Tensor2D): tf.Tensor2D =>
        this.attentionBlock(layer, h, { rows, masks, tables, virtual: virtual?.index }, cache);
      const block = (start: Stream): Stream => {
        const entered =
          virtual && this.adapter?.virtual?.enter ? this.entered(start, layer, virtual.index, beforeAttention) : start;
        if (spec.parallelResidual)
          return this.halfBlock(
            entered,
            (h, x) => tf.add(attend(h), this.mlpBlock(layer, this.norm(x, beforeMlp))),
            next,
          );
        return this.halfBlock(this.halfBlock(entered, attend, beforeMlp), (h) => this.mlpBlock(layer, h), next);
      };
      stream = this.recompute ? this.recomputed(stream, block, beforeAttention) : block(stream);
    }
    if (cache) cache.length += T;
    stream.x.dispose();
    return stream.normed;
  }

  /** Logits of hidden states. h: (M, C). Returns (M, V). */
  logits(h: tf.Tensor2D): tf.Tensor2D {
    const { logitCap: cap } = this.spec;
    const products: tf.Tensor2D = tf.matMul(h, this.head, false, true);
    return cap ? tf.mul(tf.tanh(tf.div(products, cap)), cap) : products;
  }

  dispose(): void {
    disposeWeights(this.weights);
    this.rope?.cos.dispose();
    this.rope?.sin.dispose();
    this.rope = null;
  }

  /** Token embeddings, scaled where the architecture says so, and learned positions, (N, C). */
  private embedded(ids: tf.Tensor1D, rows: TokenRows, virtual?: tf.Tensor1D): tf.Tensor2D {
    const { spec } = this;
    const found = embedding(this.tensor(tokenEmbeddingName(spec)) as tf.Tensor2D, ids);
    const tokens = this.inputNoise?.(found, rows) ?? found;
    const all = (virtual && this.adapter?.virtual?.embed?.(tokens, virtual)) ?? tokens;
    const x: tf.Tensor2D = spec.embeddingScale ? tf.mul(all, spec.embeddingScale) : all;
    return spec.positions === 'learned'
      ? tf.add(x, embedding(this.tensor(positionEmbeddingName(spec)) as tf.Tensor2D, rows.positions))
      : x;
  }

  /** The stream where the adapter's virtual tokens have activations of their own at the input of this layer. */
  private entered({ x, normed }: Stream, layer: number, virtual: tf.Tensor1D, norm: string[]): Stream {
    const next = this.adapter!.virtual!.enter!(x, layer, virtual);
    tf.dispose([x, normed]);
    return { x: next, normed: this.norm(next, norm) };
  }

  /** A block of which only the residual stream at its start is kept for the gradient. */
  private recomputed({ x, normed }: Stream, block: (start: Stream) => Stream, norm: string[]): Stream {
    normed.dispose();
    const f = (again: tf.Tensor2D): tf.Tensor2D[] => {
      const end = block({ x: again, normed: this.norm(again, norm) });
      return [end.x, end.normed];
    };
    const [end, endNormed] = this.recompute!(x, f, this.adapter?.rewind?.());
    x.dispose();
    return { x: end!, normed: endNormed! };
  }

  /**
   * x + f(norm of x) and the norm that comes after it, in one op; frees the stream before. What the gradient needs is
   * kept by the tape; everything else goes here and now.
   */
  private halfBlock(
    { x, normed }: Stream,
    f: (normed: tf.Tensor2D, x: tf.Tensor2D) => tf.Tensor2D,
    next: string[],
  ): Stream {
    const [sum, nextNormed] = tf.tidy(() => this.addNorm(x, f(normed, x), next));
    tf.dispose([x, normed]);
    return { x: sum, normed: nextNormed };
  }

  private attentionBlock(layer: number, x: tf.Tensor2D, context: AttentionContext, cache?: KvCache): tf.Tensor2D {
    const { spec } = this;
    const { heads, kvHeads } = spec;
    const [q, ownK, ownV] = this.queriesKeysValues(layer, x);
    const [k, v] = (context.virtual && this.adapter?.virtual?.keysValues?.(ownK, ownV, layer, context.virtual)) ?? [
      ownK,
      ownV,
    ];
    const { rows, tables } = context;
    const rule = this.ruleOf(layer);
    const mask = context.masks.get(rule.window)!;
    const out = cache
      ? this.cachedAttention(layer, [q, k, v], context, cache)
      : rowsAttention(q, k, v, rows, { heads, kvHeads, ...rule, mask, tables });
    const h = this.sublayer(this.linear(layer, 'o', out), layer, 'attention'); // out: (N, H·D)
    return spec.postNorms ? this.norm(h, postNormNames(spec, layer)[0]) : h;
  }

  /** Attention of the T new tokens of each row to all that the cache then holds. q: (B·T, H·D), k and v: (B·T, K·D). */
  private cachedAttention(
    layer: number,
    [q2, k2, v2]: Three,
    { rows, masks, tables }: AttentionContext,
    cache: KvCache,
  ): tf.Tensor2D {
    const { heads: H, kvHeads: K } = this.spec;
    const turned = (x: tf.Tensor4D): tf.Tensor4D => (tables ? rotary(x, tables.cos, tables.sin) : x);
    const q = turned(splitHeads(q2, rows.B, H)); // (B, H, T, D)
    const { k, v } = cache.extend(layer, turned(splitHeads(k2, rows.B, K)), splitHeads(v2, rows.B, K)); // (B, K, S, D)
    const rule = this.ruleOf(layer);
    return joinHeads(attention(q, k, v, masks.get(rule.window)!, rule));
  }

  private ruleOf(layer: number): AttentionRule {
    const { attentionCap = 0, attentionScale } = this.spec;
    return {
      window: windowOf(this.spec, layer),
      cap: attentionCap,
      ...(attentionScale ? { scale: attentionScale } : {}),
    };
  }

  /** q (N, H·D), k and v (N, K·D), of each head normed where the architecture says so. */
  private queriesKeysValues(layer: number, x: tf.Tensor2D): Three {
    const { spec } = this;
    const [q, k, v] = this.projections(layer, x);
    if (!spec.qkNorm) return [q, k, v];
    const ofHeads = (y: tf.Tensor2D, names: string[]): tf.Tensor2D =>
      tf.reshape(this.norm(tf.reshape(y, [-1, spec.headDim]), names), y.shape);
    const [qNorm, kNorm] = headNormNames(spec, layer);
    return [ofHeads(q, qNorm), ofHeads(k, kNorm), v];
  }

  private projections(layer: number, x: tf.Tensor2D): Three {
    const { fusedQkv, heads: H, kvHeads: K, headDim: D } = this.spec;
    if (!fusedQkv) return [this.linear(layer, 'q', x), this.linear(layer, 'k', x), this.linear(layer, 'v', x)];
    const fused = this.linear(layer, 'qkv', x);
    if (fusedQkv === 'blocks')
      return this.adaptedParts(layer, ['q', 'k', 'v'], x, tf.split(fused, [H * D, K * D, K * D], 1)) as Three;
    const perHead = tf.reshape(fused, [-1, H, 3 * D]);
    return tf.split(perHead, 3, 2).map((part) => tf.reshape(part, [-1, H * D])) as Three;
  }

  /** The parts of a fused layer's output, each as the adapter wants it. x: (N, in). */
  private adaptedParts(layer: number, targets: Target[], x: tf.Tensor2D, parts: tf.Tensor2D[]): tf.Tensor2D[] {
    return parts.map((part, i) => this.adapted(part, x, this.inUse(layer, targets[i]!)));
  }

  private mlpBlock(layer: number, x: tf.Tensor2D): tf.Tensor2D {
    const { spec } = this;
    const h = this.sublayer(this.mlp(layer, x), layer, 'mlp');
    return spec.postNorms ? this.norm(h, postNormNames(spec, layer)[1]) : h;
  }

  private mlp(layer: number, x: tf.Tensor2D): tf.Tensor2D {
    const { mlp } = this.spec;
    if (mlp === 'gelu') return this.linear(layer, 'proj', gelu(this.linear(layer, 'fc', x)));
    if (mlp === 'gelu_exact') return this.linear(layer, 'proj', geluExact(this.linear(layer, 'fc', x)));
    const [gate, up] = this.gateAndUp(layer, x); // (N, F) each
    return this.linear(layer, 'down', mlp === 'swiglu' ? swiglu(gate, up) : tf.mul(gelu(gate), up));
  }

  private gateAndUp(layer: number, x: tf.Tensor2D): [tf.Tensor2D, tf.Tensor2D] {
    if (!this.modules.has(`${layer}.gate_up`)) return [this.linear(layer, 'gate', x), this.linear(layer, 'up', x)];
    return this.adaptedParts(layer, ['gate', 'up'], x, tf.split(this.linear(layer, 'gate_up', x), 2, 1)) as [
      tf.Tensor2D,
      tf.Tensor2D,
    ];
  }

  private sublayer(h: tf.Tensor2D, layer: number, half: 'attention' | 'mlp'): tf.Tensor2D {
    return this.adapter?.sublayer?.(h, layer, half) ?? h;
  }

  /** y = xW (+ b) as the adapter wants it. x: (N, in). Returns (N, out). */
  private linear(layer: number, target: Target, x: tf.Tensor2D): tf.Tensor2D {
    const at = this.inUse(layer, target);
    return this.adapted(this.product(x, at), x, at);
  }

  private product(x: tf.Tensor2D, { module, weight, bias }: LinearInUse): tf.Tensor2D {
    if (!this.adapter?.overrides?.has(module.weight)) return frozenLinear(x, weight, bias?.value, module.layout);
    const y: tf.Tensor2D = tf.matMul(x, weight.value as tf.Tensor2D, false, module.layout === 'out_in');
    return bias ? tf.add(y, bias.value) : y;
  }

  private adapted(y: tf.Tensor2D, x: tf.Tensor2D, at: LinearInUse): tf.Tensor2D {
    return this.adapter?.linear?.(y, x, at) ?? y;
  }

  /** A linear layer of the model; throws where there is none. */
  inUse(layer: number, target: Target): LinearInUse {
    const module = this.modules.get(`${layer}.${target}`)!;
    return {
      module,
      weight: this.parameter(module.weight)!,
      bias: module.bias ? this.parameter(module.bias) : undefined,
    };
  }

  private norm(x: tf.Tensor2D, names: string[]): tf.Tensor2D {
    const [w, b] = this.normTensors(names);
    return b ? layerNorm(x, w, b, this.spec.normEps) : rmsNorm(x, w, this.spec.normEps);
  }

  private addNorm(x: tf.Tensor2D, f: tf.Tensor2D, names: string[]): [tf.Tensor2D, tf.Tensor2D] {
    const [w, b] = this.normTensors(names);
    return b ? addLayerNorm(x, f, w, b, this.spec.normEps) : addRmsNorm(x, f, w, this.spec.normEps);
  }

  private normTensors(names: string[]): [tf.Tensor, tf.Tensor | undefined] {
    const [w, b] = names.map((name) => this.tensor(name));
    return [this.spec.normPlusOne ? tf.add(w!, 1) : w!, b];
  }

  /**
   * cos and sin for T positions from `start`, (T, R/2), or for the positions of each of `rows`, (B, 1, T, R/2), R being
   * the floats of a head that turn. The tables grow when a longer sequence comes.
   */
  private ropeRows(start: number, T: number, rows?: TokenRows): RotaryTables {
    const end = start + T;
    const half = (this.spec.rotaryDim ?? this.spec.headDim) / 2;
    if (!this.rope || this.rope.T < end) {
      this.rope?.cos.dispose();
      this.rope?.sin.dispose();
      const size = Math.max(end, Math.min(this.spec.maxPositions, 2 * end));
      const { cos, sin } = ropeTables(this.spec, size);
      this.rope = {
        T: size,
        cos: tf.keep(tf.tensor2d(cos, [size, half])),
        sin: tf.keep(tf.tensor2d(sin, [size, half])),
      };
    }
    const { cos, sin } = this.rope;
    const taken = (table: tf.Tensor2D): tf.Tensor =>
      rows
        ? tf.reshape(tf.gather(table, rows.positions), [rows.B, 1, T, half])
        : tf.slice(table, [start, 0], [T, half]);
    return { cos: taken(cos), sin: taken(sin) };
  }

  private tensor(name: string): tf.Tensor {
    return this.parameter(name)!.value;
  }

  private parameter(name: string): Parameter | undefined {
    return this.adapter?.overrides?.get(name) ?? this.weights.get(name);
  }
}

/**
 * `real`: (N) int32, with 0 in the place of virtual tokens; `virtual` where there are any (see VirtualTokens), `isReal`
 * 1 or 0.
 */
function virtualIndex(
  ids: ArrayLike<number>,
  vocab: number,
): { real: tf.Tensor1D; virtual?: { index: tf.Tensor1D; isReal: tf.Tensor1D } } {
  const all = Int32Array.from(ids);
  if (!all.some((id) => id >= vocab)) return { real: tf.tensor1d(all, 'int32') };
  return {
    real: tf.tensor1d(
      all.map((id) => (id < vocab ? id : 0)),
      'int32',
    ),
    virtual: {
      index: tf.tensor1d(
        all.map((id, i) => (id < vocab ? i : all.length + id - vocab)),
        'int32',
      ),
      isReal: tf.tensor1d(
        all.map((id) => (id < vocab ? 1 : 0)),
        'int32',
      ),
    },
  };
}

/**
 * f(x) such that the gradient computes f again; `rewind` then comes before it. f disposes its x, and its results depend
 * on nothing but x and parameters.
 */
export type Recompute = (x: tf.Tensor2D, f: (x: tf.Tensor2D) => tf.Tensor2D[], rewind?: () => void) => tf.Tensor2D[];

/** Queries, keys and values. */
type Three = [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];

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
  /** `index` of VirtualTokens, where the batch has any. */
  virtual: tf.Tensor1D | undefined;
}

/** Of the rows' positions: (T, R/2), or (B, 1, T, R/2) where each row has its own. */
interface RotaryTables {
  cos: tf.Tensor;
  sin: tf.Tensor;
}
