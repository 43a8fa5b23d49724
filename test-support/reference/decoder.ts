/**
 * The decoder-only transformer in float64, one plain loop after the other: GPT-2 and the Llama family, with what a
 * fine-tuning method changes. It shares with the engine only the names of the weights.
 */
import { ropeFrequencies, ropeOf } from '../../src-main/engine/model/rope.ts';
import { type ArchitectureSpec, type LinearModule, linearModules } from '../../src-main/engine/model/architecture.ts';
import type { Target } from '../../src-shared/targets.ts';
import {
  finalNormNames,
  headName,
  normNames,
  positionEmbeddingName,
  tokenEmbeddingName,
} from '../../src-main/engine/model/tensorNames.ts';
import { geluReference, swigluReference } from './activations.ts';
import { array64, type Array64 } from './array.ts';
import { attentionReference, rotaryReference } from './attention.ts';
import { linearCrossEntropyReference } from './crossEntropy.ts';
import { layerNormReference, rmsNormReference } from './norms.ts';

export type Weights64 = ReadonlyMap<string, Array64>;

/** What a method makes of the model. */
export interface Method64 {
  /** The base's weights with the method's changes. */
  weights: Weights64;
  /** Output of a sublayer on its way into the residual stream. */
  sublayer?(h: Array64, layer: number, half: 'attention' | 'mlp'): Array64;
  /** Trained rows around the prompt, (P, C) at the input of a layer (of layer 0 only: before positions). */
  tokens?: { prefix: number; infix: number; rows(layer: number): Array64 | undefined; beforePositions: boolean };
  /** Keys and values (P, K·D) in front of each layer's own, which are not turned. */
  keysValues?(layer: number): [Array64, Array64];
}

/** One row of tokens, without padding; label -100: no loss. */
export interface Row {
  ids: number[];
  labels: number[];
}

/** Mean cross-entropy per labelled token. */
export function referenceLoss(spec: ArchitectureSpec, method: Method64, rows: Row[]): number {
  let sum = 0;
  let count = 0;
  for (const { ids, labels } of rows) {
    const answer = Math.max(
      0,
      labels.findIndex((label) => label >= 0),
    );
    const { prefix = 0, infix = 0 } = method.tokens ?? {};
    const place = (t: number): number => prefix + t + (t >= answer ? infix : 0);
    const h = hiddenStates(spec, method, ids, answer);
    const targets = labels.flatMap((label, t) => (label >= 0 && t > 0 ? [{ label, at: place(t) - 1 }] : []));
    const C = spec.hidden;
    const labelled = array64([targets.length, C]);
    targets.forEach(({ at }, i) => labelled.data.set(h.data.subarray(at * C, (at + 1) * C), i * C));
    sum += linearCrossEntropyReference(
      labelled,
      method.weights.get(headName(spec))!,
      Int32Array.from(targets, ({ label }) => label),
    );
    count += targets.length;
  }
  return sum / count;
}

function hiddenStates(spec: ArchitectureSpec, method: Method64, ids: number[], answer: number): Array64 {
  const { weights, tokens } = method;
  let x = embeddingRows(weights.get(tokenEmbeddingName(spec))!, ids);
  const { prefix = 0, infix = 0 } = tokens ?? {};
  x = withTokens(x, array64([prefix + infix, spec.hidden]), prefix, infix, answer);
  const enter = (layer: number): void => {
    const rows = tokens?.rows(layer);
    if (rows) overwrite(x, rows, prefix, infix, answer);
  };
  if (tokens?.beforePositions) enter(0);
  const start = method.keysValues ? method.keysValues(0)[0].shape[0]! : 0;
  if (spec.positions === 'learned')
    x = add(
      x,
      embeddingRows(
        weights.get(positionEmbeddingName(spec))!,
        Array.from({ length: x.shape[0]! }, (_, t) => start + t),
      ),
    );
  for (let layer = 0; layer < spec.layers; layer++) {
    if (!tokens?.beforePositions) enter(layer);
    const [beforeAttention, beforeMlp] = normNames(spec, layer);
    const attended = attentionHalf(spec, method, layer, norm(spec, weights, x, beforeAttention), start);
    x = add(x, method.sublayer?.(attended, layer, 'attention') ?? attended);
    const thought = mlpHalf(spec, weights, layer, norm(spec, weights, x, beforeMlp));
    x = add(x, method.sublayer?.(thought, layer, 'mlp') ?? thought);
  }
  return norm(spec, weights, x, finalNormNames(spec));
}

function attentionHalf(spec: ArchitectureSpec, method: Method64, layer: number, x: Array64, start: number): Array64 {
  const { heads: H, kvHeads: K, headDim: D } = spec;
  const T = x.shape[0]!;
  const part = (target: Target): Array64 => ofModule(spec, method.weights, layer, target, x);
  let [q, k, v] = [toHeads(part('q'), H), toHeads(part('k'), K), toHeads(part('v'), K)];
  if (spec.positions === 'rotary') {
    const angles = anglesOf(spec, start, T);
    [q, k] = [rotaryReference(q, angles), rotaryReference(k, angles)];
  }
  const front = method.keysValues?.(layer);
  if (front) [k, v] = [inFront(toHeads(front[0], K), k), inFront(toHeads(front[1], K), v)];
  const out = attentionReference(q, k, v);
  return ofModule(spec, method.weights, layer, 'o', fromHeads(out, T, H * D));
}

function mlpHalf(spec: ArchitectureSpec, weights: Weights64, layer: number, x: Array64): Array64 {
  const part = (target: Target, input: Array64): Array64 => ofModule(spec, weights, layer, target, input);
  if (spec.mlp === 'gelu') return part('proj', geluReference(part('fc', x)));
  return part('down', swigluReference(part('gate', x), part('up', x)));
}

/** xW + b of one (slice of a) linear layer. */
function ofModule(spec: ArchitectureSpec, weights: Weights64, layer: number, target: Target, x: Array64): Array64 {
  const module = linearModules(spec).find((m) => m.layer === layer && m.target === target)!;
  const W = matrixOf(weights.get(module.weight)!, module);
  const bias = module.bias ? weights.get(module.bias) : undefined;
  const [N, inner] = x.shape as [number, number];
  const out = module.outFeatures;
  const y = array64([N, out]);
  const [from, by, to] = [x.data, W.data, y.data];
  for (let n = 0; n < N; n++) {
    for (let m = 0; m < out; m++) {
      let sum = bias ? bias.data[(module.slice?.start ?? 0) + m]! : 0;
      for (let i = 0; i < inner; i++) sum += from[n * inner + i]! * by[m * inner + i]!;
      to[n * out + m] = sum;
    }
  }
  return y;
}

/** A module's own matrix as (out, in); W itself where that is all of it. */
export function matrixOf(W: Array64, { layout, slice, outFeatures, inFeatures }: LinearModule): Array64 {
  if (layout === 'out_in' && !slice) return W;
  const first = slice?.start ?? 0;
  const own = array64([outFeatures, inFeatures]);
  const columns = W.shape[1]!;
  for (let m = 0; m < outFeatures; m++) {
    for (let i = 0; i < inFeatures; i++)
      own.data[m * inFeatures + i] =
        layout === 'out_in' ? W.data[(first + m) * columns + i]! : W.data[i * columns + first + m]!;
  }
  return own;
}

/** W with a module's own matrix (out, in) in its place. */
export function withMatrix(
  W: Array64,
  own: Array64,
  { layout, slice, outFeatures, inFeatures }: LinearModule,
): Array64 {
  const first = slice?.start ?? 0;
  const whole = array64(W.shape, W.data.slice());
  const columns = W.shape[1]!;
  for (let m = 0; m < outFeatures; m++) {
    for (let i = 0; i < inFeatures; i++)
      whole.data[layout === 'out_in' ? (first + m) * columns + i : i * columns + first + m] =
        own.data[m * inFeatures + i]!;
  }
  return whole;
}

function norm({ normEps }: ArchitectureSpec, weights: Weights64, x: Array64, names: string[]): Array64 {
  const [w, b] = names.map((name) => weights.get(name)!);
  return b ? layerNormReference(x, w!, b, normEps) : rmsNormReference(x, w!, normEps);
}

function anglesOf(spec: ArchitectureSpec, start: number, T: number): Array64 {
  const frequencies = ropeFrequencies(ropeOf(spec, 'usual'), start + T);
  return array64(
    [T, frequencies.length],
    Float64Array.from(
      { length: T * frequencies.length },
      (_, i) => (start + Math.floor(i / frequencies.length)) * frequencies[i % frequencies.length]!,
    ),
  );
}

function embeddingRows(table: Array64, ids: number[]): Array64 {
  const C = table.shape[1]!;
  return array64(
    [ids.length, C],
    Float64Array.from(ids.flatMap((id) => [...table.data.subarray(id * C, (id + 1) * C)])),
  );
}

/** Rows of `more` (prefix + infix, C) in front of x and before its row `answer`. */
function withTokens(x: Array64, more: Array64, prefix: number, infix: number, answer: number): Array64 {
  const C = x.shape[1]!;
  const cut = (a: Array64, from: number, to: number): number[] => [...a.data.subarray(from * C, to * C)];
  const T = x.shape[0]!;
  return array64(
    [T + prefix + infix, C],
    Float64Array.from([
      ...cut(more, 0, prefix),
      ...cut(x, 0, answer),
      ...cut(more, prefix, prefix + infix),
      ...cut(x, answer, T),
    ]),
  );
}

function overwrite(x: Array64, rows: Array64, prefix: number, infix: number, answer: number): void {
  const C = x.shape[1]!;
  for (let j = 0; j < prefix + infix; j++)
    x.data.set(rows.data.subarray(j * C, (j + 1) * C), (j < prefix ? j : j + answer) * C);
}

function add(a: Array64, b: Array64): Array64 {
  return array64(
    a.shape,
    a.data.map((value, i) => value + b.data[i]!),
  );
}

/** (T, heads·D) as (1, heads, T, D). */
function toHeads(x: Array64, heads: number): Array64 {
  const [T, width] = x.shape as [number, number];
  const D = width / heads;
  return array64(
    [1, heads, T, D],
    Float64Array.from(
      { length: T * width },
      (_, i) => x.data[(Math.floor(i / D) % T) * width + Math.floor(i / (T * D)) * D + (i % D)]!,
    ),
  );
}

function fromHeads(x: Array64, T: number, width: number): Array64 {
  const D = x.shape[3]!;
  return array64(
    [T, width],
    Float64Array.from(
      { length: T * width },
      (_, i) => x.data[Math.floor((i % width) / D) * T * D + Math.floor(i / width) * D + (i % D)]!,
    ),
  );
}

/** (1, K, P, D) before (1, K, T, D). */
function inFront(first: Array64, then: Array64): Array64 {
  const [, K, P, D] = first.shape as [number, number, number, number];
  const T = then.shape[2]!;
  const parts = Array.from({ length: K }, (_, head) => [
    ...first.data.subarray(head * P * D, (head + 1) * P * D),
    ...then.data.subarray(head * T * D, (head + 1) * T * D),
  ]);
  return array64([1, K, P + T, D], Float64Array.from(parts.flat()));
}
