/**
 * The decoder-only transformer, top to bottom: embeddings, L blocks of attention and MLP around a residual stream,
 * final norm. One code for all families; the ArchitectureSpec decides. It knows no files, no training, no sampling.
 * Activations are kept two-dimensional, (N, C) with one row per token, except inside attention.
 */
import * as tf from '@tensorflow/tfjs-core';
import { attention, causalMask } from '../ops/attention.ts';
import { embedding } from '../ops/embedding.ts';
import { frozenLinear } from '../ops/frozenLinear.ts';
import { gelu } from '../ops/gelu.ts';
import { joinHeads, splitHeads } from '../ops/heads.ts';
import { layerNorm } from '../ops/layerNorm.ts';
import { residualAdd } from '../ops/residualAdd.ts';
import { rmsNorm } from '../ops/rmsNorm.ts';
import { rotary } from '../ops/rotary.ts';
import { swiglu } from '../ops/swiglu.ts';
import { linearModules, type ArchitectureSpec, type LinearLayout, type LinearModule, type Target } from './architecture.ts';
import type { KvCache } from './kvCache.ts';
import type { Packing } from './packing.ts';
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
  hidden(ids: tf.Tensor1D, B: number, T: number, { cache, packing }: { cache?: KvCache; packing?: Packing } = {}): tf.Tensor2D {
    const { spec } = this;
    const start = cache?.length ?? 0;
    let x = embedding(this.tensor(tokenEmbeddingName(spec)) as tf.Tensor2D, ids); // (N, C)
    if (spec.positions === 'learned') x = tf.add(x, this.learnedPositions(B, T, start, packing));
    const shape: BlockShape = { B, T, start, mask: causalMask(T, start + T), packing };
    for (let layer = 0; layer < spec.layers; layer++) {
      const [beforeAttention, beforeMlp] = normNames(spec, layer);
      x = this.halfBlock(x, (h) => this.attentionBlock(layer, this.norm(h, beforeAttention), shape, cache));
      x = this.halfBlock(x, (h) => this.mlpBlock(layer, this.norm(h, beforeMlp)));
    }
    if (cache) cache.length += T;
    return this.norm(x, finalNormNames(spec));
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

  /** x + f(x), and frees x. What the gradient needs is kept by the tape; everything else goes here and now. */
  private halfBlock(x: tf.Tensor2D, f: (x: tf.Tensor2D) => tf.Tensor2D): tf.Tensor2D {
    const y = tf.tidy(() => residualAdd(x, f(x)));
    x.dispose();
    return y;
  }

  private attentionBlock(layer: number, x: tf.Tensor2D, { B, T, start, mask, packing }: BlockShape, cache?: KvCache): tf.Tensor2D {
    const { heads: H, kvHeads: K } = this.spec;
    const [q2, k2, v2] = this.queriesKeysValues(layer, x);
    let q = splitHeads(q2, B, H, packing); // (B, H, T, D)
    let k = splitHeads(k2, B, K, packing); // (B, K, T, D)
    let v = splitHeads(v2, B, K, packing);
    if (this.spec.positions === 'rotary') {
      const { cos, sin } = this.ropeRows(start, T);
      q = rotary(q, cos, sin);
      k = rotary(k, cos, sin);
    }
    if (cache) ({ k, v } = cache.extend(layer, k, v));
    const out = attention(q, k, v, mask); // (B, H, T, D)
    return this.linear(layer, 'o', joinHeads(out, packing));
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

  /** Position embeddings of T tokens from `start` in each of the B rows: (N, C). */
  private learnedPositions(B: number, T: number, start: number, packing?: Packing): tf.Tensor2D {
    const grid = tf.tensor1d(Int32Array.from({ length: B * T }, (_, i) => start + (i % T)), 'int32');
    const positions = packing ? tf.gather(grid, packing.tokens) : grid;
    return embedding(this.tensor(positionEmbeddingName(this.spec)) as tf.Tensor2D, positions);
  }

  /** cos and sin for T positions from `start`, (T, D/2); the tables grow when a longer sequence comes. */
  private ropeRows(start: number, T: number): { cos: tf.Tensor2D; sin: tf.Tensor2D } {
    const end = start + T;
    const half = this.spec.headDim / 2;
    if (!this.rope || this.rope.T < end) {
      this.rope?.cos.dispose();
      this.rope?.sin.dispose();
      const size = Math.max(end, Math.min(this.spec.maxPositions, 2 * end));
      const { cos, sin } = ropeTables(this.spec, size);
      this.rope = { T: size, cos: tf.keep(tf.tensor2d(cos, [size, half])), sin: tf.keep(tf.tensor2d(sin, [size, half])) };
    }
    return { cos: tf.slice(this.rope.cos, [start, 0], [T, half]), sin: tf.slice(this.rope.sin, [start, 0], [T, half]) };
  }

  private tensor(name: string): tf.Tensor {
    return this.weights.get(name)!.value;
  }
}

interface BlockShape {
  B: number;
  T: number;
  /** Tokens already in the cache. */
  start: number;
  /** (T, start + T) additive. */
  mask: tf.Tensor2D;
  packing: Packing | undefined;
}
