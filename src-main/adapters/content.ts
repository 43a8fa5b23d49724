/**
 * What a stored adapter does to a base model, in terms of that model's own layers: the engine attaches it, merging adds
 * it. Here every module and shape is checked against the base.
 */
import { GraftError } from '../../src-shared/errors.ts';
import {
  bottleneckShapes,
  LOHA_PARTS,
  prefixShapes,
  type BottleneckOptions,
  type LohaPart,
  type LokrPart,
  type PrefixOptions,
} from '../methods/shapes.ts';
import { linearModules, type LinearModule } from '../engine/model/architecture.ts';
import { SCORE } from '../engine/model/tensorNames.ts';
import type { NamedTensor, NamedTensors } from './files.ts';
import type { BaseModel } from '../basemodel/baseModel.ts';
import type { OwnAdapter } from './ownFormat.ts';
import type { LoraPair, Matrix } from './peftLora.ts';
import { moduleScale } from './peftConfig.ts';
import type { StoredAdapter } from './storedAdapter.ts';

/** An update of one linear layer, or of one part of a fused one. */
export type Cell =
  | ({ type: 'lora'; module: LinearModule; scale: number } & LoraPair)
  | { type: 'loha'; module: LinearModule; scale: number; parts: Record<LohaPart, NamedTensor> }
  | { type: 'lokr'; module: LinearModule; scale: number; parts: Partial<Record<LokrPart, NamedTensor>> };

export type AdapterContent =
  /** `biases` by tensor name, in place of the base's; `score` (classes, C) where the adapter classifies texts. */
  | { type: 'weights'; cells: Cell[]; biases: Map<string, Float32Array>; score?: Matrix }
  | { type: 'adapter'; options: BottleneckOptions; tensors: NamedTensors }
  /** In the order of prefixShapes. */
  | { type: 'prefix'; options: PrefixOptions; tensors: NamedTensors };

type Base = Pick<BaseModel, 'spec' | 'tensors' | 'dir'>;

/** Throws GraftError ADAPTER_NO_MODULE or ADAPTER_SHAPE when the base has no such layer. */
export function contentOf(adapter: StoredAdapter, base: Base): AdapterContent {
  switch (adapter.type) {
    case 'lora':
      return {
        type: 'weights',
        cells: loraCells(adapter, base),
        biases: checkedBiases(adapter.dir, adapter.biases, base),
        ...checkedScore(adapter, base),
      };
    case 'lokr':
    case 'loha': {
      const layer = layersOf(adapter, base);
      const cells = [...adapter.modules].map(([path, { parts, scale }]) =>
        lycorisCell(adapter, adapter.type, layer(path), parts, scale, base),
      );
      return { type: 'weights', cells, biases: new Map() };
    }
    case 'prefix':
      return prefixContent(
        adapter,
        { kind: 'key-value', prefixLength: adapter.prompt.shape[0]!, infixLength: 0 },
        new Map([['prompt_embeddings', adapter.prompt]]),
        base,
      );
    case 'own':
      return ownContent(adapter, base);
    default:
      return adapter satisfies never;
  }
}

function ownContent(adapter: OwnAdapter, base: Base): AdapterContent {
  const { method, tensors } = adapter;
  switch (method.type) {
    case 'bitfit':
      return {
        type: 'weights',
        cells: [],
        biases: checkedBiases(adapter.dir, new Map([...tensors].map(([name, { data }]) => [name, data])), base),
      };
    case 'lokr':
    case 'loha':
      return {
        type: 'weights',
        cells: ownCells(adapter, method.type, method.alpha / method.rank, base),
        biases: new Map(),
      };
    case 'adapter':
      checkShapes(adapter, bottleneckShapes(base.spec, method), tensors, base);
      return { type: 'adapter', options: method, tensors };
    case 'prefix':
      return prefixContent(adapter, method, tensors, base);
    default:
      return method satisfies never;
  }
}

function prefixContent(
  adapter: StoredAdapter,
  options: PrefixOptions,
  tensors: NamedTensors,
  base: Base,
): AdapterContent {
  const shapes = prefixShapes(base.spec, options);
  checkShapes(adapter, shapes, tensors, base);
  return { type: 'prefix', options, tensors: new Map(shapes.map(({ name }) => [name, tensors.get(name)!])) };
}

/** By `3.q.lokr_w1`. */
function ownCells(adapter: OwnAdapter, type: 'lokr' | 'loha', scale: number, base: Base): Cell[] {
  const known = new Map(linearModules(base.spec).map((module) => [`${module.layer}.${module.target}`, module]));
  const groups = Map.groupBy(adapter.tensors, ([name]) => name.slice(0, name.lastIndexOf('.')));
  return [...groups].map(([place, entries]) => {
    const module = known.get(place);
    if (!module) throw noModule(adapter, place, base);
    return lycorisCell(
      adapter,
      type,
      module,
      new Map(entries.map(([name, tensor]) => [name.slice(place.length + 1), tensor])),
      scale,
      base,
    );
  });
}

function loraCells(adapter: Extract<StoredAdapter, { type: 'lora' }>, base: Base): Cell[] {
  const layer = layersOf(adapter, base);
  return [...adapter.modules].map(([path, pair]) => {
    const module = layer(path);
    checkSizes(adapter, module, [pair.A.shape[1], pair.B.shape[0]], base);
    return { type: 'lora', module, scale: moduleScale(adapter.config, path), ...pair };
  });
}

function lycorisCell(
  adapter: StoredAdapter,
  type: 'lokr' | 'loha',
  module: LinearModule,
  parts: NamedTensors,
  scale: number,
  base: Base,
): Cell {
  const has = (...names: string[]): boolean => names.every((name) => parts.has(name));
  const complete =
    type === 'loha' ? has(...LOHA_PARTS) : has('lokr_w1') && (has('lokr_w2') || has('lokr_w2_a', 'lokr_w2_b'));
  if (!complete)
    throw new GraftError(
      'PEFT_WEIGHTS',
      `The adapter in ${adapter.dir} has only ${[...parts.keys()].join(', ')} at ${module.module}; use a ` +
        'complete adapter.',
      { adapter: adapter.dir, module: module.module },
    );
  const size = (name: string, axis: 0 | 1): number => parts.get(name)?.shape[axis] ?? NaN;
  const sizes =
    type === 'loha'
      ? [size('hada_w1_b', 1), size('hada_w1_a', 0)]
      : [
          size('lokr_w1', 1) * size(has('lokr_w2') ? 'lokr_w2' : 'lokr_w2_b', 1),
          size('lokr_w1', 0) * size(has('lokr_w2') ? 'lokr_w2' : 'lokr_w2_a', 0),
        ];
  checkSizes(adapter, module, sizes as [number, number], base);
  return type === 'loha'
    ? { type, module, scale, parts: Object.fromEntries(parts) as Record<LohaPart, NamedTensor> }
    : { type, module, scale, parts: Object.fromEntries(parts) };
}

/** The layer of a PEFT path, which never names a part of a fused layer. */
function layersOf(adapter: StoredAdapter, base: Base): (path: string) => LinearModule {
  const known = new Map(
    linearModules(base.spec)
      .filter(({ slice }) => !slice)
      .map((module) => [module.module, module]),
  );
  return (path) => {
    const module = known.get(path);
    if (!module) throw noModule(adapter, path, base);
    return module;
  };
}

function noModule({ dir }: { dir: string }, module: string, base: Base): GraftError {
  return new GraftError(
    'ADAPTER_NO_MODULE',
    `The adapter in ${dir} adapts ${module}, which is not a layer that the base model in ${base.dir} has or ` +
      'Graft can adapt; choose the base model it was trained on.',
    { adapter: dir, module },
  );
}

/** got: [in, out]. */
function checkSizes(
  { dir }: StoredAdapter,
  { module, inFeatures, outFeatures }: LinearModule,
  got: [number, number],
  base: Base,
): void {
  if (got[0] === inFeatures && got[1] === outFeatures) return;
  throw new GraftError(
    'ADAPTER_SHAPE',
    `The adapter in ${dir} maps ${got[0]} to ${got[1]} features at ${module}, but the base model in ` +
      `${base.dir} maps ${inFeatures} to ${outFeatures}; choose the base model it was trained on.`,
    { adapter: dir, module, got, want: [inFeatures, outFeatures] },
  );
}

function checkedBiases(dir: string, biases: Map<string, Float32Array>, base: Base): Map<string, Float32Array> {
  for (const [name, data] of biases) {
    const own = base.tensors.get(name);
    if (!own) throw noModule({ dir }, name, base);
    if (own.shape.length !== 1 || own.shape[0] !== data.length)
      throw wrongShape(dir, name, [data.length], own.shape, base);
  }
  return biases;
}

function checkedScore({ dir, score }: Extract<StoredAdapter, { type: 'lora' }>, base: Base): { score?: Matrix } {
  if (!score) return {};
  const want = [score.shape[0], base.spec.hidden];
  if (score.shape[1] !== want[1]) throw wrongShape(dir, SCORE, score.shape, want, base);
  return { score };
}

function checkShapes(
  { dir }: StoredAdapter,
  wanted: { name: string; shape: number[] }[],
  tensors: NamedTensors,
  base: Base,
): void {
  const extra = [...tensors.keys()].find((name) => !wanted.some((one) => one.name === name));
  if (extra !== undefined) throw noModule({ dir }, extra, base);
  for (const { name, shape } of wanted) {
    const got = tensors.get(name)?.shape;
    if (got?.join() !== shape.join()) throw wrongShape(dir, name, got, shape, base);
  }
}

function wrongShape(dir: string, name: string, got: number[] | undefined, want: number[], base: Base): GraftError {
  return new GraftError(
    'ADAPTER_SHAPE',
    `The adapter in ${dir} ${got ? `has ${name} of shape [${got.join(', ')}]` : `lacks ${name}`}, but the base ` +
      `model in ${base.dir} asks for [${want.join(', ')}]; choose the base model it was trained on.`,
    { adapter: dir, tensor: name, got: got ?? null, want },
  );
}
