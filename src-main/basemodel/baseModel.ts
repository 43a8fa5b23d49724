/**
 * Opens a Hugging Face folder as a base model: config.json, the weights files, and a map of the tensors the model
 * needs, under the names the ArchitectureSpec expects. Everything is checked here, so that later code can read without
 * asking. Nothing is copied, and nothing is loaded before it is asked for.
 */
import path from 'node:path';
import { architectureFromConfig, type ArchitectureSpec, type ModelConfig } from '../engine/model/architecture.ts';
import { textPartOf } from '../engine/model/multimodal.ts';
import { tokenEmbeddingName } from '../engine/model/tensorNames.ts';
import { ggufPointer } from '../gguf/pointer.ts';
import { fillTensorF32 } from '../safetensors/fill.ts';
import { readTensorF32, type WeightFile } from '../safetensors/read.ts';
import { readConfig } from './config.ts';
import { weightsHash, weightsStamp } from './identity.ts';
import { missingTensor, modelTensors, type BaseTensor } from './modelTensors.ts';
import { notesOn } from './notes.ts';
import { refuseQuantised } from './quantised.ts';
import { refuseOtherHead } from './tiedHead.ts';
import { openWeightFiles, type WeightFiles, type WeightIndex } from './weightFiles.ts';

export type { BaseTensor };

export interface BaseModel {
  /** Absolute path. */
  dir: string;
  /** Absolute path of what the weights came from: the folder, or the GGUF file that it stands for. */
  origin: string;
  /** config.json; of a multimodal release that of its text part. */
  config: ModelConfig;
  /** config.json as it is. */
  fileConfig: ModelConfig;
  spec: ArchitectureSpec;
  /** The tensors the model reads, by normalised name. */
  tensors: Map<string, BaseTensor>;
  /** All weights files in name order, with every tensor they hold under its original name. */
  files: WeightFile[];
  /** Of the weights files. */
  format: WeightFiles['format'];
  /** Present when the weights are in shards. */
  index?: WeightIndex;
  /** What the folder holds and the model does not use, a sentence each. */
  notes: string[];
  /** Identity of the weights (see identity.ts). */
  hash: string;
  /** Changes when a weights file is touched (see identity.ts). */
  stamp: string;
  /** Set where the head is the embedding in the files, and a tensor of its own here (ownHead.ts). */
  takenApart?: true;
  /** Set where values are changed as they are read: they are what the readers give, not what the files hold. */
  changed?: true;
  has(name: string): boolean;
  /** Throws GraftError CHECKPOINT_TENSOR_MISSING for an unknown name, as the readers below do. */
  shape(name: string): number[];
  /** A whole tensor as float32. */
  readF32(name: string): Float32Array;
  /** The same into `values`, beside whatever else this thread does; the base stays open until it settles. */
  fillF32(name: string, values: Float32Array): Promise<void>;
  close(): void;
}

/**
 * Opens the base model in `dir`; the caller closes it.
 * Throws GraftError CHECKPOINT_* or SAFETENSORS_* (folder, file, shard or tensor that is missing or does not fit),
 * UNKNOWN_ARCHITECTURE, or BAD_CONFIG. No file stays open then.
 */
export function openBaseModel(dir: string): BaseModel {
  const root = path.resolve(dir);
  const origin = ggufPointer(root)?.file ?? root;
  const fileConfig = readConfig(root);
  const config = textPartOf(fileConfig);
  const spec = architectureFromConfig(fileConfig);
  const weights = openWeightFiles(root, config);
  const { files, format, index } = weights;
  const close = (): void => files.forEach((file) => file.close());
  try {
    refuseQuantised(root, fileConfig, files);
    const found = modelTensors(origin, spec, config, files);
    const { tensors, spareHead } = found;
    const find = (name: string): BaseTensor => {
      const info = tensors.get(name);
      if (!info) throw missingTensor(origin, name);
      return info;
    };
    if (spareHead) refuseOtherHead(spareHead, find(tokenEmbeddingName(spec)));
    return {
      dir: root,
      origin,
      config,
      fileConfig,
      spec,
      tensors,
      files,
      format,
      ...(index ? { index } : {}),
      notes: notesOn(fileConfig, found, weights),
      hash: weightsHash(files),
      stamp: weightsStamp(files),
      has: (name) => tensors.has(name),
      shape: (name) => find(name).shape,
      readF32: (name) => readTensorF32(find(name)),
      fillF32: async (name, values) => fillTensorF32(find(name), values),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
