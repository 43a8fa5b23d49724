/**
 * The decoder-only transformer, top to bottom: embeddings, L blocks of attention and MLP around a residual stream,
 * final norm. One code for all families; the ArchitectureSpec decides. It knows no files, no training, no sampling.
 * Activations are kept two-dimensional, (N, C) with one row per token, except inside attention.
 */
import * as tf from '@tensorflow/tfjs-core';
import { lookUp } from '../ops/embedding.ts';
import { frozenLinear } from '../ops/frozenLinear.ts';
import { gelu } from '../ops/gelu.ts';
import { geluExact } from '../ops/geluExact.ts';
import { swiglu } from '../ops/swiglu.ts';
import type { ArchitectureSpec } from './architecture.ts';
import type { Target } from '../../../src-shared/targets.ts';
import type { Attachment, LinearInUse } from './attachment.ts';
import { entryOf, type Entry, type Pass } from './entry.ts';
import type { ForwardOptions, InputNoise, Recompute, Stream, TwoOutputs } from './forwardOptions.ts';
import type { KvCache } from './kvCache.ts';
import type { Parameter } from './parameters.ts';
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
import { selfAttention } from './selfAttention.ts';

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
  get head(): Parameter {
    const { overrides } = this.adapter ?? {};
    // An adapter may also give a model whose head is its embedding a head of its own.
    const own = overrides?.get(SCORE) ?? overrides?.get(untiedHeadName(this.spec));
    return own ?? this.layers.parameter(headName(this.spec));
  }

  /** A linear layer of the model; throws where there is none. */
  inUse(layer: number, target: Target): LinearInUse {
    return this.layers.inUse(layer, target);
  }

  /**
   * What to give to `hidden` so that `ids` (B·T) continue the cache: these, or, where the frequencies of the positions
   * change with the length of a row, all ids so far, for which the cache is emptied.
   */
  continuing(cache: KvCache, ids: Int32Array): Int32Array {
    if (!this.rotary.dependsOnLength) return ids;
    const T = ids.length / cache.padding.length;
    const changes = cache.padding.some((padding) => {
      const held = cache.length - padding;
      return held > 0 && this.rotary.changes(held, held + T);
    });
    return changes ? cache.takeBack(ids) : ids;
  }

  /**
   * Hidden states after the final norm. ids: N token ids, row by row; N = B·T, or fewer where `packing` leaves padding
   * out; ids from V on are the adapter's virtual tokens. Call it under tidy. Returns (N, C).
   * Throws GraftError TOKEN_OUTSIDE where such ids come without an adapter that has virtual tokens.
   */
  hidden(ids: ArrayLike<number>, B: number, T: number, options: ForwardOptions = {}): tf.Tensor2D {
    const entry = this.enter(ids, B, T, options);
    const h = this.through(entry);
    this.leave(entry);
    return h;
  }

  /** The first of the three parts of `hidden`: makes the tensors that it needs. */
  enter(ids: ArrayLike<number>, B: number, T: number, options: ForwardOptions): Entry {
    const { spec, adapter, rotary } = this;
    return entryOf({ spec, adapter, rotary }, ids, B, T, options);
  }

  /** The second: uses nothing but the entry's tensors, the weights, and the keys and values in the cache. */
  through({ pass, ids, options }: Entry): tf.Tensor2D {
    const { spec } = this;
    const x = this.embedded(ids, pass, options.inputNoise);
    let stream: Stream = { x, normed: this.layers.norm(x, normNames(spec, 0)[0]) };
    for (let layer = 0; layer < spec.layers; layer++) stream = this.block(layer, stream, pass);
    stream.x.dispose();
    return stream.normed;
  }

  /** The third: the cache holds the tokens from now on. */
  leave({ pass, given, options: { cache } }: Entry): void {
    if (!cache) return;
    if (this.rotary.dependsOnLength) cache.remember(given);
    cache.length += pass.rows.T;
  }

  /** Hidden states h (M, C) as the vocabulary projection reads them. */
  headInput(h: tf.Tensor2D): tf.Tensor2D {
    const { logitsScaling } = this.spec;
    return logitsScaling ? tf.div(h, logitsScaling) : h;
  }

  /** Logits of hidden states, of which no gradient of the head is taken. h: (M, C). Returns (M, V). */
  logits(h: tf.Tensor2D): tf.Tensor2D {
    const { logitCap: cap } = this.spec;
    const products = frozenLinear(this.headInput(h), this.head, undefined, 'out_in');
    return cap ? tf.mul(tf.tanh(tf.div(products, cap)), cap) : products;
  }

  dispose(): void {
    disposeWeights(this.weights);
    this.rotary.dispose();
  }

  /** Token embeddings, scaled where the architecture says so, and learned positions, (N, C). */
  private embedded(ids: tf.Tensor1D, { rows, virtual }: Pass, inputNoise?: InputNoise): tf.Tensor2D {
    const { spec, layers } = this;
    const found = lookUp(layers.parameter(tokenEmbeddingName(spec)), ids);
    const tokens = inputNoise?.(found, rows) ?? found;
    const all = (virtual && this.adapter?.virtual?.embed?.(tokens, virtual)) ?? tokens;
    const x: tf.Tensor2D = spec.embeddingScale ? tf.mul(all, spec.embeddingScale) : all;
    return spec.positions === 'learned'
      ? tf.add(x, lookUp(layers.parameter(positionEmbeddingName(spec)), rows.positions))
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
      const rows = pass.recompute ? Math.max(1, Math.floor(pass.recompute.floatsAtOnce / spec.intermediate)) : Infinity;
      if (pass.recompute && entered.x.shape[0] > rows)
        return this.blockByRows(layer, entered, attend, next, rows, pass.recompute);
      if (spec.parallelResidual)
        return this.halfBlock(entered, (h, x) => tf.add(attend(h), this.mlp(layer, layers.norm(x, beforeMlp))), next);
      return this.halfBlock(this.halfBlock(entered, attend, beforeMlp), (h) => this.mlp(layer, h), next);
    };
    return pass.recompute ? this.recomputed(stream, both, beforeAttention, pass.recompute) : both(stream);
  }

  /** A block whose MLP goes through the tokens `rows` at a time; frees the stream before. */
  private blockByRows(
    layer: number,
    start: Stream,
    attend: (h: tf.Tensor2D) => tf.Tensor2D,
    next: string[],
    rows: number,
    recompute: Recompute,
  ): Stream {
    const { spec, layers } = this;
    const beforeMlp = normNames(spec, layer)[1];
    const middle: Stream = spec.parallelResidual
      ? { x: start.x, normed: tf.tidy(() => attend(start.normed)) }
      : this.halfBlock(start, attend, beforeMlp);
    // (rows, C) each; h: with parallel halves what attention adds, else the norm of x
    const f = ([x, h]: TwoOutputs): TwoOutputs => {
      const mlp = this.mlp(layer, spec.parallelResidual ? layers.norm(x, beforeMlp) : h);
      return layers.addNorm(x, spec.parallelResidual ? tf.add(h, mlp) : mlp, next);
    };
    const [x, normed] = recompute.byRows([middle.x, middle.normed], f, rows, this.adapter?.rewind?.());
    tf.dispose([middle.x, middle.normed, start.normed]);
    return { x, normed };
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
    const f = (again: tf.Tensor2D): TwoOutputs => {
      const end = block({ x: again, normed: this.layers.norm(again, norm) });
      return [end.x, end.normed];
    };
    const [end, endNormed] = recompute.whole(x, f, this.adapter?.rewind?.());
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
    return this.scaled(spec.postNorms ? layers.norm(h, postNormNames(spec, layer)[0]) : h);
  }

  private mlp(layer: number, x: tf.Tensor2D): tf.Tensor2D {
    const { spec, layers } = this;
    const h = this.sublayer(this.feedForward(layer, x), layer, 'mlp');
    return this.scaled(spec.postNorms ? layers.norm(h, postNormNames(spec, layer)[1]) : h);
  }

  /** What a half of a block adds to the residual stream. */
  private scaled(h: tf.Tensor2D): tf.Tensor2D {
    const { residualScale } = this.spec;
    return residualScale ? tf.mul(h, residualScale) : h;
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
