/**
 * Which of the tensors in a folder's weights files the model reads, checked against what config.json asks for; the rest
 * is counted, named and left alone.
 */
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { counted } from '../../src-shared/plural.ts';
import { familyRules, type ArchitectureSpec, type ModelConfig } from '../engine/model/architecture.ts';
import { textPartName } from '../engine/model/multimodal.ts';
import { untiedHeadName } from '../engine/model/tensorNames.ts';
import { isFloatDtype } from '../safetensors/dtype.ts';
import type { WeightFile, TensorInfo } from '../safetensors/read.ts';
import { expectedTensors, type ExpectedTensor } from './expectedTensors.ts';

export interface BaseTensor extends TensorInfo {
  /** The name in the file; `name` carries the prefix of the ArchitectureSpec. */
  originalName: string;
}

export interface ModelTensors {
  /** The tensors the model reads, by normalised name. */
  tensors: Map<string, BaseTensor>;
  /** What no layer reads, buffers aside; of any dtype. */
  unread: TensorInfo[];
  /** A head in the file of a model whose head is the embedding. */
  spareHead?: TensorInfo;
}

/** Causal-mask and rotary buffers that old exports carry; the model computes them itself. */
const BUFFERS =
  /(^|\.)(h\.\d+\.attn\.(bias|masked_bias)|layers\.\d+\.attention\.(bias|masked_bias)|rotary_emb\.inv_freq)$/;

/**
 * Throws GraftError CHECKPOINT_TENSOR_* where a tensor that the model needs is missing, there twice, of another shape
 * or no float, and CHECKPOINT_CONFIG where config.json and weights contradict each other.
 */
export function modelTensors(
  dir: string,
  spec: ArchitectureSpec,
  config: ModelConfig,
  files: WeightFile[],
): ModelTensors {
  checkLayerCount(dir, spec, files);
  const expected = new Map(expectedTensors(spec, config).map((one) => [one.name, one]));
  const found: ModelTensors = { tensors: new Map(), unread: [] };
  for (const file of files) for (const info of file.tensors.values()) sortIn(dir, spec, info, expected, found);
  for (const one of expected.values()) checkTensor(dir, found.tensors.get(one.name), one);
  refuseUnannounced(spec, config, expected, found.tensors);
  return found;
}

/**
 * The name of a tensor of the files in the ArchitectureSpec; undefined for what is no part of its model. Files written
 * from the bare model (OpenAI's GPT-2 on the hub) lack the prefix.
 */
function nameInSpec(spec: ArchitectureSpec, original: string): string | undefined {
  if (spec.multimodal) return textPartName(original);
  return original.startsWith(spec.prefix) || original === untiedHeadName(spec) ? original : spec.prefix + original;
}

function sortIn(
  dir: string,
  spec: ArchitectureSpec,
  info: TensorInfo,
  expected: Map<string, ExpectedTensor>,
  found: ModelTensors,
): void {
  const original = info.name;
  const name = nameInSpec(spec, original);
  if (spec.tiedHead && name === untiedHeadName(spec)) {
    found.spareHead = info;
    return;
  }
  if (name === undefined || !expected.has(name)) {
    if (!BUFFERS.test(original)) found.unread.push(info);
    return;
  }
  const other = found.tensors.get(name);
  if (other) {
    throw new GraftError(
      'CHECKPOINT_TENSOR_TWICE',
      `${dir}: tensor ${original} in ${path.basename(info.file)} is also in ${path.basename(other.file)} ` +
        `as ${other.originalName}; download the checkpoint again.`,
      { dir, tensor: name },
    );
  }
  found.tensors.set(name, { ...info, name, originalName: original });
}

/** Before anything is made per layer: config.json may name any number of them. */
function checkLayerCount(dir: string, spec: ArchitectureSpec, files: WeightFile[]): void {
  const block = `${familyRules(spec.family).names.blocks}.`;
  let held = 0;
  for (const { tensors } of files)
    for (const name of tensors.keys()) {
      const own = nameInSpec(spec, name)?.slice(spec.prefix.length) ?? '';
      const layer = own.startsWith(block) ? Number.parseInt(own.slice(block.length), 10) : NaN;
      if (layer >= held) held = layer + 1;
    }
  if (held >= spec.layers) return;
  throw new GraftError(
    'CHECKPOINT_TENSOR_MISSING',
    `${dir}: config.json says that the model has ${counted(spec.layers, 'layer')}, but its weights hold ` +
      `${held}; use a complete checkpoint, whose config.json and weights belong together.`,
    { dir, want: spec.layers, got: held },
  );
}

export function missingTensor(dir: string, name: string, shape?: number[]): GraftError {
  const wanted = shape ? ` of shape [${shape.join(', ')}]` : '';
  return new GraftError(
    'CHECKPOINT_TENSOR_MISSING',
    `${dir} lacks tensor ${name}${wanted}; use a complete checkpoint of this architecture.`,
    { dir, tensor: name, want: shape ?? null },
  );
}

function checkTensor(dir: string, info: BaseTensor | undefined, { name, shape, optional }: ExpectedTensor): void {
  if (!info) {
    if (optional) return;
    throw missingTensor(dir, name, shape);
  }
  if (info.shape.length !== shape.length || info.shape.some((n, i) => n !== shape[i])) {
    throw new GraftError(
      'CHECKPOINT_TENSOR_SHAPE',
      `${info.file}: tensor ${info.originalName} has shape [${info.shape.join(', ')}], but config.json asks ` +
        `for [${shape.join(', ')}]; config.json and weights must come from the same checkpoint.`,
      { file: info.file, tensor: name, got: info.shape, want: shape },
    );
  }
  if (!isFloatDtype(info.dtype)) {
    throw new GraftError(
      'CHECKPOINT_TENSOR_DTYPE',
      `${info.file}: tensor ${info.originalName} is ${info.dtype}, but weights must be F32, F16 or BF16; save the ` +
        'checkpoint in one of these (in Python: model.to(torch.float32).save_pretrained(folder)).',
      { file: info.file, tensor: name, got: info.dtype },
    );
  }
}

/** A bias that config.json does not announce is left out by transformers: another model than the one in the files. */
function refuseUnannounced(
  { family }: ArchitectureSpec,
  config: ModelConfig,
  expected: Map<string, ExpectedTensor>,
  tensors: Map<string, BaseTensor>,
): void {
  for (const info of tensors.values()) {
    if (!expected.get(info.name)?.optional) continue;
    const field = ['attention_bias', 'mlp_bias'].find((one) => typeof config[one] === 'boolean') ?? null;
    const says = field === null ? `a ${family} model has none there` : `${field} in config.json is false`;
    const use = field === null ? '' : `set ${field} to true if the model was trained with it, or `;
    throw new GraftError(
      'CHECKPOINT_CONFIG',
      `${info.file} holds the bias ${info.originalName}, but ${says}, so other programs leave it out; ${use}use a ` +
        'checkpoint without it.',
      { file: info.file, tensor: info.originalName, field },
    );
  }
}
