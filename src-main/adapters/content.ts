/**
 * What a stored adapter does to a base model, in terms of that model's own layers: the engine attaches it, merging
 * takes it up. Each method makes it from its own files; here is what they share, and the checks of modules and shapes
 * against the base.
 */
import { GraftError } from '../../src-shared/errors.ts';
import type { AdapterSettings } from '../../src-shared/methods/registry.ts';
import { linearModules, type LinearModule } from '../engine/model/architecture.ts';
import type { NamedTensor, NamedTensors } from './files.ts';
import { pathForms } from './releasePaths.ts';
import type { EditRows } from '../safetensors/editedRows.ts';
import type { TensorInfo } from '../safetensors/read.ts';
import type { BaseModel } from '../basemodel/baseModel.ts';

/** What acts on one linear layer, or on one part of a fused one. */
export interface Cell {
  module: LinearModule;
  /** Factor of the whole update. */
  scale: number;
  /** By the method's own names. */
  parts: Readonly<Record<string, NamedTensor>>;
}

/** A tensor of the base that the adapter has in a form of its own. */
export interface Replaced {
  /** The base's tensor. */
  source: TensorInfo;
  /** What its rows become. */
  edit: EditRows;
}

/**
 * By tensor name. The head of a model whose head is its embedding stands under the name that a head of its own would
 * have: such an adapter takes the two apart.
 */
export type ReplacedTensors = Map<string, Replaced>;

export interface AdapterContent<S extends AdapterSettings = AdapterSettings> {
  /** The method's settings as far as the files tell them; graft.json may tell more. */
  settings: S;
  cells: Cell[];
  /** Trained tensors that belong to no linear layer. */
  tensors: NamedTensors;
  /** By tensor name, in place of the base's. */
  biases: Map<string, Float32Array>;
  /** (classes, C), where the adapter classifies texts. */
  score?: NamedTensor;
  /** Embeddings, a head, norms and whole layers, in place of the base's. */
  replaced: ReplacedTensors;
  /** Why it cannot become part of the weights, as in `DIR <reason>`; absent where its method says all. */
  notMergeable?: string;
}

export type Base = Pick<BaseModel, 'spec' | 'tensors' | 'dir' | 'origin'>;

/** One that has only cells, or whatever `parts` names. */
export function contentOf(settings: AdapterSettings, parts: Partial<Omit<AdapterContent, 'settings'>>): AdapterContent {
  return { settings, cells: [], tensors: new Map(), biases: new Map(), replaced: new Map(), ...parts };
}

/** A part that is there once the cell has been checked. */
export function partOf({ parts, module }: Cell, name: string): NamedTensor {
  const part = parts[name];
  if (part) return part;
  throw new GraftError('INTERNAL', `The update of ${module.module} has no part ${name}; read the adapter again.`, {
    module: module.module,
    part: name,
  });
}

/** The layer of a PEFT path, which never names a part of a fused layer. Throws ADAPTER_NO_MODULE. */
export function layersOf(dir: string, base: Base): (path: string) => LinearModule {
  const wholes = linearModules(base.spec).filter(({ slice }) => !slice);
  const known = new Map(
    pathForms(base.spec)
      .toReversed()
      .flatMap((form) => wholes.map((module) => [form(module.module), module])),
  );
  return (path) => {
    const module = known.get(path);
    if (!module) throw noModule(dir, path, base);
    return module;
  };
}

export function noModule(dir: string, module: string, base: Base): GraftError {
  return new GraftError(
    'ADAPTER_NO_MODULE',
    `The adapter in ${dir} adapts ${module}, which is not a layer that the base model in ${base.dir} has or ` +
      'Graft can adapt; choose the base model it was trained on.',
    { adapter: dir, module },
  );
}

/** Throws PEFT_WEIGHTS unless the parts of a module are all there. */
export function assertComplete(dir: string, { module }: LinearModule, parts: Cell['parts'], wanted: string[][]): void {
  if (wanted.some((group) => group.every((name) => parts[name]))) return;
  throw new GraftError(
    'PEFT_WEIGHTS',
    `The adapter in ${dir} has only ${Object.keys(parts).join(', ')} at ${module}; use a complete adapter.`,
    { adapter: dir, module },
  );
}

/** got: [in, out]. Throws ADAPTER_SHAPE. */
export function checkSizes(
  dir: string,
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

/** Throws ADAPTER_NO_MODULE or ADAPTER_SHAPE where the base has no such bias. */
export function checkedBiases(dir: string, biases: Map<string, Float32Array>, base: Base): Map<string, Float32Array> {
  for (const [name, data] of biases) {
    const own = base.tensors.get(name);
    if (!own) throw noModule(dir, name, base);
    if (own.shape.length !== 1 || own.shape[0] !== data.length)
      throw wrongShape(dir, name, [data.length], own.shape, base);
  }
  return biases;
}

/** Throws ADAPTER_NO_MODULE or ADAPTER_SHAPE unless the tensors are exactly the wanted ones. */
export function checkShapes(
  dir: string,
  wanted: { name: string; shape: number[] }[],
  tensors: NamedTensors,
  base: Base,
): void {
  const extra = [...tensors.keys()].find((name) => !wanted.some((one) => one.name === name));
  if (extra !== undefined) throw noModule(dir, extra, base);
  for (const { name, shape } of wanted) {
    const got = tensors.get(name)?.shape;
    if (got?.join() !== shape.join()) throw wrongShape(dir, name, got, shape, base);
  }
}

export function wrongShape(
  dir: string,
  name: string,
  got: number[] | undefined,
  want: number[],
  base: Base,
): GraftError {
  return new GraftError(
    'ADAPTER_SHAPE',
    `The adapter in ${dir} ${got ? `has ${name} of shape [${got.join(', ')}]` : `lacks ${name}`}, but the base ` +
      `model in ${base.dir} asks for [${want.join(', ')}]; choose the base model it was trained on.`,
    { adapter: dir, tensor: name, got: got ?? null, want },
  );
}
