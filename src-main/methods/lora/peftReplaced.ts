/**
 * Tensors of the base that a LoRA folder of PEFT's has in a form of its own: saved whole (modules_to_save), rows of
 * single tokens (trainable_token_indices), and pairs on embeddings and head. PEFT wraps embedding and head apart, also
 * where they are one tensor in the base, unless ensure_weight_tying or the tensor itself says otherwise.
 */
import { noModule, wrongShape, type Base, type Replaced, type ReplacedTensors } from '../../adapters/content.ts';
import { adapterWeightsError, type AdapterFile, type NamedTensor } from '../../adapters/files.ts';
import { peftUnsupported } from '../../adapters/peft.ts';
import { bothEdits, rowsEdit, sourceOf, wholeEdit, withHeadOfBase } from '../../adapters/replaced.ts';
import { isHead, isSavedBase, nameInBase } from '../../adapters/savedBase.ts';
import { positionEmbeddingName, tokenEmbeddingName, untiedHeadName } from '../../engine/model/tensorNames.ts';
import type { EditRows } from '../../safetensors/editedRows.ts';
import { readTensorF32, type TensorInfo } from '../../safetensors/read.ts';
import { loraEdit, type UpdatedMatrix } from './edit.ts';
import { moduleScale, type PeftConfig } from './peftConfig.ts';
import { isListed, type LoraPair, type PeftFileParts } from './peftParts.ts';

/** Throws GraftError ADAPTER_NO_MODULE, ADAPTER_SHAPE, PEFT_UNSUPPORTED or PEFT_WEIGHTS. */
export function replacedBy(file: AdapterFile, config: PeftConfig, parts: PeftFileParts, base: Base): ReplacedTensors {
  const replacing = new Replacing(file, config, base);
  if (config.trainable_token_indices && parts.tokens.size === 0)
    throw adapterWeightsError(file.weightsFile, 'the file', 'lacks the trained tokens of trainable_token_indices');
  checkSavedAll(file, config, parts, base);
  for (const [name, tensor] of parts.saved) replacing.save(name, tensor, parts);
  for (const [module, tensor] of parts.tokens) replacing.rows(module, tensor);
  for (const [path, pair] of parts.embeddings) replacing.embedding(path, pair);
  for (const [path, pair] of parts.modules) if (isHead(`${path}.weight`)) replacing.head(path, pair);
  return replacing.all();
}

class Replacing {
  private readonly file: AdapterFile;
  private readonly config: PeftConfig;
  private readonly base: Base;
  private readonly found: ReplacedTensors = new Map();
  /** What is changed of the embedding is changed of a tied head. */
  private together: boolean;
  /** Values that PEFT saved of itself: loading writes them into the one tensor that a tied embedding and head are. */
  private rebased: EditRows | undefined;
  /** Whether the adapter has an embedding apart from the base's tensor. */
  private ownEmbedding = false;

  constructor(file: AdapterFile, config: PeftConfig, base: Base) {
    this.file = file;
    this.config = config;
    this.base = base;
    this.together = config.ensure_weight_tying;
  }

  all(): ReplacedTensors {
    const { found, base, rebased } = this;
    if (!base.spec.tiedHead) return found;
    const head = found.get(untiedHeadName(base.spec));
    if (head && rebased) this.found.set(untiedHeadName(base.spec), { ...head, edit: bothEdits(rebased, head.edit) });
    return this.ownEmbedding && !this.together && !head ? withHeadOfBase(found, base, rebased) : found;
  }

  /** Values of a whole tensor: of its own where modules_to_save names it, else of the base's. */
  save(name: string, tensor: NamedTensor, parts: PeftFileParts): void {
    const { file, config, base } = this;
    const { spec } = base;
    const module = name.slice(0, name.lastIndexOf('.'));
    const isOwn = isListed(module, config) && !config.ensure_weight_tying;
    const isTied = spec.tiedHead && isSavedBase(name);
    const key = isTied && !isOwn ? tokenEmbeddingName(spec) : nameInBase(name, base);
    const source = this.source(key, name);
    if (source.shape.join() !== tensor.shape.join()) throw this.otherShape(name, tensor, source);
    if (isSame(tensor, source)) return;
    const pair = parts.modules.get(module) ?? parts.embeddings.get(module);
    if (pair && (isOwn || pair.magnitude))
      throw peftUnsupported(
        file.weightsFile,
        `both LoRA and other values of ${module}`,
        'an adapter with one of the two',
      );
    const before = this.found.get(key);
    if (before && !sameEdit(before, tensor))
      throw adapterWeightsError(file.weightsFile, name, 'differs from the embedding, with which it is one tensor');
    this.found.set(key, { source, edit: wholeEdit(tensor) });
    if (isTied && !isOwn) this.rebased = wholeEdit(tensor);
    if (isOwn && key === tokenEmbeddingName(spec)) this.ownEmbedding = true;
  }

  rows(module: string, tensor: NamedTensor): void {
    const { file, config, base } = this;
    const key = nameInBase(`${module}.weight`, base);
    const source = this.source(key, module);
    const ids = tokenIds(module, config);
    const [rows = 0, width] = source.shape;
    if (tensor.shape.join() !== [ids.length, width].join())
      throw adapterWeightsError(
        file.weightsFile,
        module,
        `has trained tokens of shape [${tensor.shape.join(', ')}] for ${ids.length} ids of ${width} values`,
      );
    const outside = ids.find((id) => id >= rows);
    if (outside !== undefined)
      throw adapterWeightsError(file.weightsFile, module, `trains token ${outside} of ${rows}`);
    // Where embedding and head are one tensor, PEFT gives the rows to both.
    this.add(key, source, rowsEdit(ids, tensor));
  }

  /** An embedding is a layer from ids to features, stored (ids, features). */
  embedding(path: string, pair: LoraPair): void {
    const { base } = this;
    const { spec } = base;
    const names = [tokenEmbeddingName(spec), ...(spec.positions === 'learned' ? [positionEmbeddingName(spec)] : [])];
    const key = names.find((name) => nameOf(path, base) === name);
    const source = key === undefined ? undefined : base.tensors.get(key);
    if (key === undefined || !source) throw noModule(this.file.dir, path, base);
    const [V = 0, C = 0] = source.shape;
    this.pair(key, source, path, pair, { layout: 'in_out', inFeatures: V, outFeatures: C });
    if (key === tokenEmbeddingName(spec)) this.ownEmbedding = true;
  }

  head(path: string, pair: LoraPair): void {
    const { base, file } = this;
    if (pair.bias)
      throw peftUnsupported(file.weightsFile, `a bias on lora_B of ${path}`, 'an adapter without lora_bias there');
    const key = untiedHeadName(base.spec);
    const source = this.source(key, path);
    // Kept tied, the head's pair is the embedding's the other way round, and the embedding's says all.
    if (this.together && base.spec.tiedHead && this.found.has(tokenEmbeddingName(base.spec))) return;
    const [V = 0, C = 0] = source.shape;
    this.pair(key, source, path, pair, { layout: 'out_in', inFeatures: C, outFeatures: V });
  }

  private pair(
    key: string,
    source: TensorInfo,
    path: string,
    { A, B, magnitude }: LoraPair,
    matrix: UpdatedMatrix,
  ): void {
    const { file, config, base } = this;
    if (A.shape[1] !== matrix.inFeatures || B.shape[0] !== matrix.outFeatures)
      throw wrongShape(file.dir, path, [A.shape[1], B.shape[0]], [matrix.inFeatures, matrix.outFeatures], base);
    const m = magnitude && { shape: [magnitude.length], data: magnitude };
    this.add(key, source, loraEdit(source, { A, B, magnitude: m, scale: moduleScale(config, path) }, matrix));
  }

  private add(key: string, source: TensorInfo, edit: EditRows): void {
    this.found.set(key, { source, edit: bothEdits(this.found.get(key)?.edit, edit) });
  }

  private source(key: string, name: string): TensorInfo {
    const source = sourceOf(key, this.base);
    if (source) return source;
    throw noModule(this.file.dir, name, this.base);
  }

  private otherShape(name: string, { shape }: NamedTensor, source: TensorInfo): Error {
    const { file, base } = this;
    if (!isSavedBase(name) || shape.length !== 2 || shape[1] !== source.shape[1])
      return wrongShape(file.dir, name, shape, source.shape, base);
    return peftUnsupported(
      file.weightsFile,
      `a vocabulary of ${shape[0]} tokens (${name}), where the base model in ${base.dir} has ${source.shape[0]}`,
      'a base model whose embedding has been resized as for training, or a model with the adapter merged into it',
    );
  }
}

function nameOf(path: string, { spec }: Base): string {
  return path.startsWith(spec.prefix) ? `${path}.weight` : `${spec.prefix}${path}.weight`;
}

function isSame({ shape, data }: NamedTensor, source: TensorInfo): boolean {
  return source.shape.join() === shape.join() && readTensorF32(source).every((value, i) => value === data[i]);
}

function sameEdit({ source, edit }: Replaced, { data }: NamedTensor): boolean {
  const values = readTensorF32(source);
  edit(values, 0);
  return values.every((value, i) => value === data[i]);
}

/** A list is of the token embedding; an object names the modules by the end of their paths. */
function tokenIds(module: string, { trainable_token_indices: ids }: PeftConfig): number[] {
  if (!ids || Array.isArray(ids)) return ids ?? [];
  const found = Object.entries(ids).find(([name]) => module === name || module.endsWith(`.${name}`));
  return found?.[1] ?? [];
}

/** Throws PEFT_WEIGHTS where modules_to_save names a module of the base that the file lacks. */
function checkSavedAll(
  { weightsFile }: AdapterFile,
  config: PeftConfig,
  { saved, biases }: PeftFileParts,
  base: Base,
): void {
  const held = new Set([...saved.keys(), ...biases.keys()].map((name) => nameInBase(name, base)));
  const names = [...base.tensors.keys(), untiedHeadName(base.spec)];
  const missing = names.find((name) => isListed(name.slice(0, name.lastIndexOf('.')), config) && !held.has(name));
  if (missing !== undefined)
    throw adapterWeightsError(weightsFile, missing, 'is named by modules_to_save, but is not in the file');
}
