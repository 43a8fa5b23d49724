/**
 * Opens a Hugging Face folder as a base model: config.json, the weights files, and a map of the tensors the model
 * needs, under the names the ArchitectureSpec expects. Everything is checked here, so that later code can read without
 * asking. Nothing is copied, and nothing is loaded before it is asked for.
 */
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { architectureFromConfig, type ArchitectureSpec, type ModelConfig } from '../engine/model/architecture.ts';
import { untiedHeadName } from '../engine/model/tensorNames.ts';
import { expectedTensors } from './expectedTensors.ts';
import { isFloatDtype } from '../safetensors/dtype.ts';
import { weightsHash, weightsStamp } from './identity.ts';
import { readTensorF32, type SafetensorsFile, type TensorInfo } from '../safetensors/read.ts';
import { openWeightFiles, type WeightIndex } from './weightFiles.ts';

export interface BaseTensor extends TensorInfo {
  /** The name in the file; `name` carries the prefix of the ArchitectureSpec. */
  originalName: string;
}

export interface BaseModel {
  /** Absolute path. */
  dir: string;
  config: ModelConfig;
  spec: ArchitectureSpec;
  /** The tensors the model reads, by normalised name. */
  tensors: Map<string, BaseTensor>;
  /** All weights files in name order, with every tensor they hold under its original name. */
  files: SafetensorsFile[];
  /** Present when the weights are in shards. */
  index?: WeightIndex;
  /** Identity of the weights (see identity.ts). */
  hash: string;
  /** Changes when a weights file is touched (see identity.ts). */
  stamp: string;
  has(name: string): boolean;
  /** Throws GraftError CHECKPOINT_TENSOR_MISSING for an unknown name, as readF32 does. */
  shape(name: string): number[];
  /** A whole tensor as float32. */
  readF32(name: string): Float32Array;
  close(): void;
}

/**
 * Opens the base model in `dir`; the caller closes it.
 * Throws GraftError CHECKPOINT_* or SAFETENSORS_* (folder, file, shard or tensor that is missing or does not fit),
 * UNKNOWN_ARCHITECTURE, or BAD_CONFIG. No file stays open then.
 */
export function openBaseModel(dir: string): BaseModel {
  const root = path.resolve(dir);
  const config = readConfig(root);
  const spec = architectureFromConfig(config);
  const { files, index } = openWeightFiles(root);
  const close = (): void => files.forEach((file) => file.close());
  try {
    const tensors = modelTensors(root, spec, files);
    checkTensors(root, spec, config, tensors);
    const find = (name: string): BaseTensor => {
      const info = tensors.get(name);
      if (!info) throw missingTensor(root, name);
      return info;
    };
    return {
      dir: root,
      config,
      spec,
      tensors,
      files,
      ...(index ? { index } : {}),
      hash: weightsHash(files),
      stamp: weightsStamp(files),
      has: (name) => tensors.has(name),
      shape: (name) => find(name).shape,
      readF32: (name) => readTensorF32(find(name)),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function readConfig(dir: string): ModelConfig {
  const stat = fs.statSync(dir, { throwIfNoEntry: false });
  if (!stat) throw new GraftError('CHECKPOINT_NOT_FOUND', `${dir} does not exist; check the path.`, { dir });
  if (!stat.isDirectory())
    throw new GraftError(
      'CHECKPOINT_NOT_A_FOLDER',
      `${dir} is a file, not a folder; choose the folder that holds config.json and the weights.`,
      { dir },
    );
  const file = path.join(dir, 'config.json');
  if (!fs.existsSync(file))
    throw new GraftError(
      'CHECKPOINT_NO_CONFIG',
      `${dir} has no config.json; choose the folder of a complete Hugging Face checkpoint.`,
      { dir },
    );
  try {
    const config: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config as ModelConfig;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new GraftError('CHECKPOINT_CONFIG', `${file} is not a JSON object; download it again.`, { file });
}

/** Causal-mask and rotary buffers that old exports carry; the model computes them itself. */
const BUFFERS =
  /(^|\.)(h\.\d+\.attn\.(bias|masked_bias)|layers\.\d+\.attention\.(bias|masked_bias)|rotary_emb\.inv_freq)$/;

/**
 * The name as the ArchitectureSpec has it, or undefined for tensors the model does not read: buffers, and a head that
 * is tied to the embedding. Files written from the bare model (OpenAI's GPT-2 on the hub) lack the prefix.
 */
function normalisedName(spec: ArchitectureSpec, original: string): string | undefined {
  if (BUFFERS.test(original)) return undefined;
  if (original === untiedHeadName(spec)) return spec.tiedHead ? undefined : original;
  return original.startsWith(spec.prefix) ? original : spec.prefix + original;
}

function modelTensors(dir: string, spec: ArchitectureSpec, files: SafetensorsFile[]): Map<string, BaseTensor> {
  const tensors = new Map<string, BaseTensor>();
  for (const file of files) {
    for (const info of file.tensors.values()) {
      const name = normalisedName(spec, info.name);
      if (name === undefined) continue;
      const other = tensors.get(name);
      if (other) {
        throw new GraftError(
          'CHECKPOINT_TENSOR_TWICE',
          `${dir}: tensor ${info.name} in ${path.basename(info.file)} is also in ${path.basename(other.file)} ` +
            `as ${other.originalName}; download the checkpoint again.`,
          { dir, tensor: name },
        );
      }
      tensors.set(name, { ...info, name, originalName: info.name });
    }
  }
  return tensors;
}

function missingTensor(dir: string, name: string, shape?: number[]): GraftError {
  const wanted = shape ? ` of shape [${shape.join(', ')}]` : '';
  return new GraftError(
    'CHECKPOINT_TENSOR_MISSING',
    `${dir} lacks tensor ${name}${wanted}; use a complete checkpoint of this architecture.`,
    { dir, tensor: name, want: shape ?? null },
  );
}

function checkTensors(
  dir: string,
  spec: ArchitectureSpec,
  config: ModelConfig,
  tensors: Map<string, BaseTensor>,
): void {
  for (const { name, shape, optional } of expectedTensors(spec, config)) {
    const info = tensors.get(name);
    if (!info) {
      if (optional) continue;
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
        `${info.file}: tensor ${info.originalName} is ${info.dtype}, but weights must be F32, F16 or BF16; use ` +
          'an unquantised checkpoint.',
        { file: info.file, tensor: name, got: info.dtype },
      );
    }
  }
}
