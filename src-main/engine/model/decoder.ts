/**
 * The decoder-only transformer, top to bottom: embeddings, L blocks of attention and MLP around a residual stream,
 * final norm. One code for all families; the ArchitectureSpec decides. It knows no files, no training, no sampling.
 * Activations are kept two-dimensional, (N, C) with one row per token, except inside attention.
 */
import * as tf from '@tensorflow/tfjs-core';
import { attentionMask } from '../ops/attention.ts';
import { embedding } from '../ops/embedding.ts';
import { gelu } from '../ops/gelu.ts';
import { geluExact } from '../ops/geluExact.ts';
import { swiglu } from '../ops/swiglu.ts';
import { type ArchitectureSpec, windowOf } from './architecture.ts';
import type { Target } from '../../../src-shared/targets.ts';
import type { Attachment, LinearInUse } from './attachment.ts';
import type { KvCache } from './kvCache.ts';
import { fullRows, type TokenPlaces, type TokenRows } from './packing.ts';
import {
  finalNormNames,
  headName,
  normNames,
  positionEmbeddingName,
  postNormNames,
  SCORE,
  tokenEmbeddingName,
  untiedHeadName,
} from './tensorNames.ts';
import { disposeWeights, type Weights } from './weights.ts';
import { Layers } from './layers.ts';
import { RotaryTables } from './rotaryTables.ts';
import { selfAttention, type AttentionContext } from './selfAttention.ts';
import { tokenOutside, virtualIndex, type VirtualIndex } from './virtualIndex.ts';

/** Noise on the token embeddings x (N, C) of `rows`; returns their sum. */
export type InputNoise = (x: tf.Tensor2D, rows: TokenRows) => tf.Tensor2D;

/**
 * f(x) such that the gradient computes f again; `rewind` then comes before it. f disposes its x, and its results depend
 * on nothing but x and parameters.
 */
export type Recompute = (
  x: tf.Tensor2D,
  f: (x: tf.Tensor2D) => [tf.Tensor2D, tf.Tensor2D],
  rewind?: () => void,
) => [tf.Tensor2D, tf.Tensor2D];

export interface ForwardOptions {
  /** What the T tokens continue; it then holds them too. */
  cache?: KvCache | undefined;
  /** Where the tokens are, if padding is left out. */
  packing?: TokenPlaces | undefined;
  inputNoise?: InputNoise | undefined;
  /** Compute each block again for its gradient instead of keeping its activations. */
  recompute?: Recompute | undefined;
}

/** The residual stream and its norm that the next half of a block reads, both (N, C). */
interface Stream {
  x: tf.Tensor2D;
  normed: tf.Tensor2D;
}

/** What the blocks of one forward pass have in common. */
interface Pass extends AttentionContext {
  recompute: Recompute | undefined;
}

export class Decoder {
  readonly spec: ArchitectureSpec;
  readonly weights: Weights;
  /** What takes part in the forward pass beside the weights; see `with`. */
  readonly adapter: Attachment | null;
  private readonly layers: Layers;
  private readonly rotary: RotaryTables;

  constructor(spec: ArchitectureSpec, weights: Weights, adapter: Attachment | null = null, rotary?: RotaryTables) {
    this.spec = spec;
    this.weights = weights;
    this.adapter = adapter;
    this.layers = new Layers(spec, weights, adapter);
    this.rotary = rotary ?? new RotaryTables(spec);
  }

  /**
   * The same model with another adapter, or none, in the place of its own: all that switching a task takes. It shares
   * weights and tables, which `dispose` of either frees, and does not become the adapter's owner.
   */
  with(adapter: Attachment | null): Decoder {
    return new Decoder(this.spec, this.weights, adapter, this.rotary);
  }

  /** W of the vocabulary projection, (V, C), or of the classes where the adapter has a head of its own. */
  get head(): tf.Tensor2D {
    const { overrides } = this.adapter ?? {};
    // An adapter may also give a model whose head is its embedding a head of its own.
    const own = (overrides?.get(SCORE) ?? overrides?.get(untiedHeadName(this.spec)))?.value;
    return (own ?? this.layers.tensor(headName(this.spec))) as tf.Tensor2D;
  }

  /** A linear layer of the model; throws where there is none. */
  inUse(layer: number, target: Target): LinearInUse {
    return this.layers.inUse(layer, target);
  }

  /**
   * Hidden states after the final norm. ids: N token ids, row by row; N = B·T, or fewer where `packing` leaves padding
   * out; ids from V on are the adapter's virtual tokens. Call it under tidy. Returns (N, C).
   * Throws GraftError TOKEN_OUTSIDE where such ids come without an adapter that has virtual tokens.
   */
  hidden(ids: ArrayLike<number>, B: number, T: number, options: ForwardOptions = {}): tf.Tensor2D {
    const { spec } = this;
    const { real, virtual } = virtualIndex(ids, spec.vocab);
    if (virtual && !this.adapter?.virtual) throw tokenOutside(ids, spec.vocab);
    const pass = this.passOver(B, T, options, virtual);
    const x = this.embedded(real, pass, options.inputNoise);
    let stream: Stream = { x, normed: this.layers.norm(x, normNames(spec, 0)[0]) };
    for (let layer = 0; layer < spec.layers; layer++) stream = this.block(layer, stream, pass);
    if (options.cache) options.cache.length += T;
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
    this.rotary.dispose();
  }

  private passOver(
    B: number,
    T: number,
    { cache, packing, recompute }: ForwardOptions,
    virtual: VirtualIndex | undefined,
  ): Pass {
    const { spec } = this;
    const start = cache?.length ?? 0;
    const rows: TokenRows = { B, T, ...(packing ?? fullRows(B, T, start)) };
    if (cache) rows.positions = cache.positions(T);
    if (virtual && this.adapter?.virtual?.keysValues) rows.positions = tf.mul(rows.positions, virtual.isReal);
    const ownAngles = cache?.isPadded || (cache && virtual);
    const maskOf = (window: number): tf.Tensor =>
      cache && !cache.isPlain(T) ? cache.mask(T, window) : attentionMask(T, start + T, window);
    const windows = new Set(Array.from({ length: spec.layers }, (_, layer) => windowOf(spec, layer)));
    const masks = new Map([...windows].map((window) => [window, maskOf(window)]));
    return {
      rows,
      maskOf: (window) => masks.get(window) ?? maskOf(window),
      angles: spec.positions === 'rotary' ? this.rotary.angles(start, T, ownAngles ? rows : undefined) : null,
      virtual: virtual?.index,
      cache,
      recompute,
    };
  }

  /** Token embeddings, scaled where the architecture says so, and learned positions, (N, C). */
  private embedded(ids: tf.Tensor1D, { rows, virtual }: Pass, inputNoise?: InputNoise): tf.Tensor2D {
    const { spec, layers } = this;
    const found = embedding(layers.tensor(tokenEmbeddingName(spec)) as tf.Tensor2D, ids);
    const tokens = inputNoise?.(found, rows) ?? found;
    const all = (virtual && this.adapter?.virtual?.embed?.(tokens, virtual)) ?? tokens;
    const x: tf.Tensor2D = spec.embeddingScale ? tf.mul(all, spec.embeddingScale) : all;
    return spec.positions === 'learned'
      ? tf.add(x, embedding(layers.tensor(positionEmbeddingName(spec)) as tf.Tensor2D, rows.positions))
      : x;
  }

  /** Attention and MLP, one after the other or side by side; frees the stream before. */
  private block(layer: number, stream: Stream, pass: Pass): Stream {
    const { spec, layers } = this;
    const [beforeAttention, beforeMlp] = normNames(spec, layer);
    const next = layer + 1 < spec.layers ? normNames(spec, layer + 1)[0] : finalNormNames(spec);
    const attend = (h: tf.Tensor2D): tf.Tensor2D => this.attention(layer, h, pass);
    const both = (start: Stream): Stream => {
      const entered = this.entered(start, layer, pass.virtual, beforeAttention);
      if (spec.parallelResidual)
        return this.halfBlock(entered, (h, x) => tf.add(attend(h), this.mlp(layer, layers.norm(x, beforeMlp))), next);
      return this.halfBlock(this.halfBlock(entered, attend, beforeMlp), (h) => this.mlp(layer, h), next);
    };
    return pass.recompute ? this.recomputed(stream, both, beforeAttention, pass.recompute) : both(stream);
  }

  /** The stream where the adapter's virtual tokens have activations of their own at the input of this layer. */
  private entered({ x, normed }: Stream, layer: number, virtual: tf.Tensor1D | undefined, norm: string[]): Stream {
    const next = virtual && this.adapter?.virtual?.enter?.(x, layer, virtual);
    if (!next) return { x, normed };
    tf.dispose([x, normed]);
    return { x: next, normed: this.layers.norm(next, norm) };
  }

  /** A block of which only the residual stream at its start is kept for the gradient. */
  private recomputed(
    { x, normed }: Stream,
    block: (start: Stream) => Stream,
    norm: string[],
    recompute: Recompute,
  ): Stream {
    normed.dispose();
    const f = (again: tf.Tensor2D): [tf.Tensor2D, tf.Tensor2D] => {
      const end = block({ x: again, normed: this.layers.norm(again, norm) });
      return [end.x, end.normed];
    };
    const [end, endNormed] = recompute(x, f, this.adapter?.rewind?.());
    x.dispose();
    return { x: end, normed: endNormed };
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
    const [sum, nextNormed] = tf.tidy(() => this.layers.addNorm(x, f(normed, x), next));
    tf.dispose([x, normed]);
    return { x: sum, normed: nextNormed };
  }

  private attention(layer: number, x: tf.Tensor2D, pass: Pass): tf.Tensor2D {
    const { spec, layers } = this;
    const h = this.sublayer(selfAttention(layers, layer, x, pass), layer, 'attention');
    return spec.postNorms ? layers.norm(h, postNormNames(spec, layer)[0]) : h;
  }

  private mlp(layer: number, x: tf.Tensor2D): tf.Tensor2D {
    const { spec, layers } = this;
    const h = this.sublayer(this.feedForward(layer, x), layer, 'mlp');
    return spec.postNorms ? layers.norm(h, postNormNames(spec, layer)[1]) : h;
  }

  private feedForward(layer: number, x: tf.Tensor2D): tf.Tensor2D {
    const { layers } = this;
    const { mlp } = this.spec;
    if (mlp === 'gelu') return layers.linear(layer, 'proj', gelu(layers.linear(layer, 'fc', x)));
    if (mlp === 'gelu_exact') return layers.linear(layer, 'proj', geluExact(layers.linear(layer, 'fc', x)));
    const [gate, up] = this.gateAndUp(layer, x); // (N, F) each
    return layers.linear(layer, 'down', mlp === 'swiglu' ? swiglu(gate, up) : tf.mul(gelu(gate), up));
  }

  private gateAndUp(layer: number, x: tf.Tensor2D): [tf.Tensor2D, tf.Tensor2D] {
    const { layers } = this;
    if (!layers.has(layer, 'gate_up')) return [layers.linear(layer, 'gate', x), layers.linear(layer, 'up', x)];
    const [gate, up] = tf.split(layers.linear(layer, 'gate_up', x), 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    return [layers.adaptedPart(layer, 'gate', x, gate), layers.adaptedPart(layer, 'up', x, up)];
  }

  private sublayer(h: tf.Tensor2D, layer: number, half: 'attention' | 'mlp'): tf.Tensor2D {
    return this.adapter?.sublayer?.(h, layer, half) ?? h;
  }
}
