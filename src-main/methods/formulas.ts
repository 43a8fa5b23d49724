/**
 * How many parameters a method trains, by closed formula (Hu et al. 2021, section 5.1, generalised to matrices that are
 * not square), before anything is loaded. d_model is the width C of the residual stream.
 */
import type { ArchitectureSpec, LinearModule } from '../engine/model/architecture.ts';
import { adaptedModules, type TargetOptions } from './targets.ts';
import { biasNames, factorise, fullNames, type BottleneckOptions, type PrefixOptions } from './shapes.ts';

export interface Trainable {
  count: number;
  /** The formula with its numbers. */
  formula: string;
}

export type MethodOptions =
  | ({ type: 'lora'; dora?: boolean | undefined; bias?: 'none' | 'all' | 'lora_only' | undefined } & TargetOptions)
  | ({ type: 'lokr'; factor?: number | undefined } & TargetOptions)
  | ({ type: 'loha' } & TargetOptions)
  | { type: 'full'; layers?: number[] | undefined }
  | { type: 'bitfit' }
  | ({ type: 'adapter' } & BottleneckOptions)
  | ({ type: 'prefix' } & PrefixOptions);

/** Shapes of the model's tensors, by name. */
export type TensorShapes = ReadonlyMap<string, { shape: number[] }>;

/** Throws where the settings do not fit the model, as the method itself does. */
export function trainableOf(spec: ArchitectureSpec, tensors: TensorShapes, method: MethodOptions): Trainable {
  switch (method.type) {
    case 'lora':
      return lora(spec, tensors, method);
    case 'loha':
      return pairs(adapted(spec, method), 2);
    case 'lokr': {
      const modules = adapted(spec, method);
      return {
        count: sum(modules.map((one) => lokr(one, method.factor))),
        formula:
          'l·m + r·(k + n), or l·m + k·n where r >= max(k, n)/2, with out = l·k and in = m·n, summed over ' +
          `${modules.length} matrices`,
      };
    }
    case 'full': {
      const names = fullNames(spec, [...tensors.keys()], method.layers);
      return {
        count: sizeOf(names, tensors),
        formula: method.layers
          ? `all ${names.length} tensors of ${method.layers.length} layers`
          : `all ${names.length} tensors`,
      };
    }
    case 'bitfit': {
      const names = biasNames(tensors.keys(), spec.family);
      return { count: sizeOf(names, tensors), formula: `all ${names.length} biases` };
    }
    case 'adapter':
      return adapterLayers(spec, method);
    case 'prefix':
      return prefix(spec, method);
    default:
      return method satisfies never;
  }
}

interface Adapted extends Pick<LinearModule, 'inFeatures' | 'outFeatures' | 'bias'> {
  rank: number;
}

function adapted(spec: ArchitectureSpec, options: TargetOptions): Adapted[] {
  return adaptedModules(spec, options).map(({ module, rank }) => ({ ...module, rank }));
}

function lora(
  spec: ArchitectureSpec,
  tensors: TensorShapes,
  method: Extract<MethodOptions, { type: 'lora' }>,
): Trainable {
  const modules = adapted(spec, method);
  const low = pairs(modules, 1);
  const magnitudes = method.dora ? sum(modules.map(({ outFeatures }) => outFeatures)) : 0;
  const names = biasesBeside(modules, tensors, method.bias ?? 'none');
  const biases = sizeOf(names, tensors);
  return {
    count: low.count + magnitudes + biases,
    formula: [
      low.formula,
      ...(magnitudes ? [`${magnitudes} magnitudes, one per output`] : []),
      ...(biases ? [`${biases} in ${names.length} biases`] : []),
    ].join(' + '),
  };
}

function biasesBeside(modules: Adapted[], tensors: TensorShapes, which: 'none' | 'all' | 'lora_only'): string[] {
  if (which === 'none') return [];
  const own = new Set(modules.map(({ bias }) => bias));
  return [...tensors.keys()].filter((name) => name.endsWith('bias') && (which === 'all' || own.has(name)));
}

/** `times` pairs of r(in + out) per matrix: one for LoRA, two for LoHa. */
function pairs(modules: Adapted[], times: 1 | 2): Trainable {
  const count = times * sum(modules.map(({ rank, inFeatures, outFeatures }) => rank * (inFeatures + outFeatures)));
  const { rank: r, inFeatures: d } = modules[0]!;
  const isSquare = modules.every(
    ({ rank, inFeatures, outFeatures }) => rank === r && inFeatures === d && outFeatures === d,
  );
  if (isSquare) return { count, formula: `${2 * times}·L·d_model·r = ${2 * times}·${modules.length}·${d}·${r}` };
  return { count, formula: `${times === 2 ? '2·' : ''}r·(in + out), summed over ${modules.length} matrices` };
}

function lokr({ inFeatures, outFeatures, rank: r }: Adapted, factor: number | undefined): number {
  const [m, n] = factorise(inFeatures, factor);
  const [l, k] = factorise(outFeatures, factor);
  return l * m + (r < Math.max(k, n) / 2 ? r * (k + n) : k * n);
}

/** L_Adapt adapters, two in each layer with Houlsby, and L_LN layer norms with Lin. */
function adapterLayers(
  { layers, hidden: d }: ArchitectureSpec,
  { kind, bottleneck: r, skipLayers }: BottleneckOptions,
): Trainable {
  const adapters = (layers - skipLayers) * (kind === 'houlsby' ? 2 : 1);
  const norms = kind === 'lin' ? layers - skipLayers : 0;
  const formula =
    `L_Adapt·(2·d_model·r + r + d_model)${norms ? ' + 2·L_LN·d_model' : ''} = ${adapters}·(2·${d}·${r} + ${r} + ` +
    `${d})${norms ? ` + 2·${norms}·${d}` : ''}`;
  return { count: adapters * (2 * d * r + r + d) + 2 * norms * d, formula };
}

function prefix(
  { layers: L, hidden: d, kvHeads: K, headDim: D }: ArchitectureSpec,
  { kind, prefixLength: p, infixLength: i }: PrefixOptions,
): Trainable {
  switch (kind) {
    case 'embedding':
      return { count: d * (p + i), formula: `d_model·(l_p + l_i) = ${d}·(${p} + ${i})` };
    case 'layer':
      return { count: L * d * (p + i), formula: `L·d_model·(l_p + l_i) = ${L}·${d}·(${p} + ${i})` };
    case 'key-value':
      return {
        count: 2 * L * K * D * p,
        formula: `2·L·K·D·l_p = 2·${L}·${K}·${D}·${p}, K heads of D for keys and values`,
      };
  }
}

function sizeOf(names: string[], tensors: TensorShapes): number {
  return sum(names.map((name) => tensors.get(name)!.shape.reduce((a, b) => a * b, 1)));
}

function sum(values: number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
