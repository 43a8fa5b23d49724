/**
 * What each fine-tuning method makes of a model, in float64 and by its definition: dense updates, explicit bottlenecks,
 * rows put in.
 */
import { linearModules, type ArchitectureSpec, type LinearModule } from '../../src-main/engine/model/architecture.ts';
import type { BottleneckOptions } from '../../src-main/methods/bottleneck/files.ts';
import type { PrefixOptions } from '../../src-main/methods/prefix/files.ts';
import { array64, type Array64 } from './array.ts';
import { matrixOf, withMatrix, type Method64, type Weights64 } from './decoder.ts';
import { layerNormReference } from './norms.ts';
import { geluReference } from './activations.ts';

/** Trained values by the names that the engine gives them. */
export type Values64 = ReadonlyMap<string, Array64>;

/** The update (out, in) of a module from its parts; `W` (out, in) for methods that need it. */
type Update = (part: (name: string) => Array64 | undefined, module: LinearModule, W: Array64) => Array64;

/** Changes each module that has trained parts; what has a weight's own name replaces it. */
export function changedWeights(spec: ArchitectureSpec, base: Weights64, values: Values64, change: Update): Method64 {
  const weights = new Map(base);
  for (const [name, value] of values) if (base.has(name)) weights.set(name, value);
  for (const module of linearModules(spec)) {
    const part = (name: string): Array64 | undefined => values.get(`${module.layer}.${module.target}.${name}`);
    if (![...values.keys()].some((name) => name.startsWith(`${module.layer}.${module.target}.`))) continue;
    const own = matrixOf(weights.get(module.weight)!, module);
    weights.set(module.weight, withMatrix(weights.get(module.weight)!, change(part, module, own), module));
  }
  return { weights };
}

export const loraUpdate =
  (scaleOf: (module: LinearModule, rank: number) => number): Update =>
  (part, module, W) => {
    const A = part('lora_A')!;
    return plus(W, product(part('lora_B')!, A), scaleOf(module, A.shape[0]!));
  };

/** The norms of DoRA count as constant, so they are given: by module path. */
export const doraUpdate =
  (scale: number, norms: Map<string, Float64Array>): Update =>
  (part, module, W) => {
    const changed = plus(W, product(part('lora_B')!, part('lora_A')!), scale);
    const key = `${module.layer}.${module.target}`;
    if (!norms.has(key)) norms.set(key, outputNorms(changed));
    const m = part('lora_magnitude_vector')!;
    return array64(
      changed.shape,
      changed.data.map(
        (value, i) =>
          (value * m.data[Math.floor(i / changed.shape[1]!)]!) / norms.get(key)![Math.floor(i / changed.shape[1]!)]!,
      ),
    );
  };

export const lohaUpdate =
  (alpha: number): Update =>
  (part, _, W) => {
    const [left, right] = [
      product(part('hada_w1_a')!, part('hada_w1_b')!),
      product(part('hada_w2_a')!, part('hada_w2_b')!),
    ];
    return plus(
      W,
      array64(
        left.shape,
        left.data.map((value, i) => value * right.data[i]!),
      ),
      alpha / part('hada_w1_a')!.shape[1]!,
    );
  };

export const lokrUpdate =
  (scale: number): Update =>
  (part, _, W) => {
    const w2 = part('lokr_w2') ?? product(part('lokr_w2_a')!, part('lokr_w2_b')!);
    return plus(W, kronecker(part('lokr_w1')!, w2), scale);
  };

/** Rows of the weight and its bias times l, or columns of the weight where l is (1, in). */
export function ia3Method(spec: ArchitectureSpec, base: Weights64, values: Values64): Method64 {
  const { weights } = changedWeights(spec, base, values, (part, _, W) => {
    const l = part('ia3_l')!;
    const [, columns] = W.shape as [number, number];
    const onInput = l.shape[0] === 1;
    return array64(
      W.shape,
      W.data.map((value, i) => value * l.data[onInput ? i % columns : Math.floor(i / columns)]!),
    );
  });
  const changed = new Map(weights);
  for (const { layer, target, bias } of linearModules(spec)) {
    const l = values.get(`${layer}.${target}.ia3_l`);
    const own = bias === undefined ? undefined : changed.get(bias);
    if (!l || !own || l.shape[0] === 1) continue;
    changed.set(
      bias!,
      array64(
        own.shape,
        own.data.map((value, i) => value * l.data[i]!),
      ),
    );
  }
  return { weights: changed };
}

/** W[o][i] + M[i mod r][o]. */
export const missUpdate: Update = (part, _, W) => {
  const M = part('miss_block')!;
  const [r, out] = M.shape as [number, number];
  const columns = W.shape[1]!;
  return array64(
    W.shape,
    W.data.map((value, at) => value + M.data[((at % columns) % r) * out + Math.floor(at / columns)]!),
  );
};

/** W + W·M[a] + M[a] in every r x r block of block row a. */
export const batUpdate: Update = (part, _, W) => {
  const M = part('miss_block')!;
  const r = M.shape[1]!;
  const columns = W.shape[1]!;
  return array64(
    W.shape,
    W.data.map((value, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns];
      const [a, p, j] = [Math.floor(row / r), row % r, column % r];
      let sum = value + M.data[(a * r + p) * r + j]!;
      for (let k = 0; k < r; k++) sum += W.data[row * columns + column - j + k]! * M.data[(a * r + k) * r + j]!;
      return sum;
    }),
  );
};

export const noUpdate: Update = (_, __, W) => W;

export function bottleneckMethod(base: Weights64, values: Values64, kind: BottleneckOptions['kind']): Method64 {
  return {
    weights: base,
    sublayer(h, layer, half) {
      const part = (name: string): Array64 | undefined => values.get(`${layer}.${half}.adapter_${name}`);
      const down = part('down.weight');
      if (!down) return h;
      const input = kind === 'lin' ? layerNormReference(h, part('norm.weight')!, part('norm.bias')!, 1e-5) : h;
      const narrow = affine(input, down, part('down.bias')!);
      const active =
        kind === 'houlsby'
          ? geluReference(narrow)
          : array64(
              narrow.shape,
              narrow.data.map((value) => Math.max(0, value)),
            );
      return plus(h, affine(active, part('up.weight')!, part('up.bias')!), 1);
    },
  };
}

export function prefixMethod(
  spec: ArchitectureSpec,
  base: Weights64,
  values: Values64,
  { kind, prefixLength, infixLength }: PrefixOptions,
): Method64 {
  if (kind !== 'key-value') {
    const rows = (layer: number): Array64 | undefined =>
      values.get(kind === 'layer' ? `virtual_tokens.layer.${layer}` : 'virtual_tokens.embedding');
    return {
      weights: base,
      tokens: { prefix: prefixLength, infix: infixLength, rows, beforePositions: kind === 'embedding' },
    };
  }
  const all = values.get('prompt_embeddings')!;
  const width = spec.kvHeads * spec.headDim;
  const part = (layer: number, which: number): Array64 =>
    array64(
      [prefixLength, width],
      Float64Array.from(
        { length: prefixLength * width },
        (_, i) => all.data[Math.floor(i / width) * all.shape[1]! + (2 * layer + which) * width + (i % width)]!,
      ),
    );
  return { weights: base, keysValues: (layer) => [part(layer, 0), part(layer, 1)] };
}

function product(a: Array64, b: Array64): Array64 {
  const [[rows, inner], columns] = [a.shape as [number, number], b.shape[1]!];
  const out = array64([rows, columns]);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < inner; k++)
      for (let j = 0; j < columns; j++) out.data[i * columns + j]! += a.data[i * inner + k]! * b.data[k * columns + j]!;
  return out;
}

/** Element (i·k + p, j·n + q) is a[i, j]·b[p, q]; b: (k, n). */
function kronecker(a: Array64, b: Array64): Array64 {
  const [[l, m], [k, n]] = [a.shape as [number, number], b.shape as [number, number]];
  const out = array64([l * k, m * n]);
  for (let row = 0; row < l * k; row++)
    for (let column = 0; column < m * n; column++)
      out.data[row * m * n + column] =
        a.data[Math.floor(row / k) * m + Math.floor(column / n)]! * b.data[(row % k) * n + (column % n)]!;
  return out;
}

/** x·W^T + b. */
function affine(x: Array64, W: Array64, b: Array64): Array64 {
  const [[N, inner], out] = [x.shape as [number, number], W.shape[0]!];
  const y = array64([N, out]);
  for (let n = 0; n < N; n++) {
    for (let m = 0; m < out; m++) {
      let sum = b.data[m]!;
      for (let i = 0; i < inner; i++) sum += x.data[n * inner + i]! * W.data[m * inner + i]!;
      y.data[n * out + m] = sum;
    }
  }
  return y;
}

function plus(a: Array64, b: Array64, scale: number): Array64 {
  return array64(
    a.shape,
    a.data.map((value, i) => value + scale * b.data[i]!),
  );
}

function outputNorms({ shape, data }: Array64): Float64Array {
  const [rows, columns] = shape as [number, number];
  return Float64Array.from({ length: rows }, (_, m) =>
    Math.sqrt(data.subarray(m * columns, (m + 1) * columns).reduce((sum, value) => sum + value * value, 0)),
  );
}
