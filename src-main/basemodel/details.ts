/** Facts about a base model for the user. */
import fs from 'node:fs';
import path from 'node:path';
import { availableTargets, type Family } from '../engine/model/architecture.ts';
import type { Target } from '../../src-shared/targets.ts';
import type { BaseModel } from './baseModel.ts';
import { ggufPointer } from '../gguf/pointer.ts';
import { expectedTensors } from './expectedTensors.ts';
import { elementCount } from '../safetensors/read.ts';

export interface ModelDetails {
  family: Family;
  /** Elements of all tensors the model reads; a tied head counts once. */
  parameters: number;
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  intermediate: number;
  vocab: number;
  maxPositions: number;
  /** The number format that holds most bytes, as the weights files call it. */
  dtype: string;
  /** Of all weights files. */
  sizeBytes: number;
  tiedHead: boolean;
  /** Whether tokenizer.json is there. */
  tokenizer: boolean;
  targets: Target[];
  hash: string;
  stamp: string;
  dir: string;
  /** The GGUF file that the folder stands for. */
  gguf?: { file: string; quantisation: string };
  /** What the folder holds and the model does not use, a sentence each. */
  notes: string[];
}

export function describeBaseModel(base: BaseModel): ModelDetails {
  const { spec, tensors, files, dir, hash, stamp, config, notes } = base;
  const { family, layers, hidden, heads, kvHeads, headDim, intermediate, vocab, maxPositions, tiedHead } = spec;
  const pointer = ggufPointer(dir);
  const used = expectedTensors(spec, config).flatMap(({ name }) => tensors.get(name) ?? []);
  const bytesOf = new Map<string, number>();
  for (const { dtype, coded, byteLength } of used) {
    const stored = coded?.type ?? dtype;
    bytesOf.set(stored, (bytesOf.get(stored) ?? 0) + byteLength);
  }
  const [dtype] = [...bytesOf].reduce((most, entry) => (entry[1] > most[1] ? entry : most));
  return {
    family,
    parameters: used.reduce((sum, info) => sum + elementCount(info), 0),
    layers,
    hidden,
    heads,
    kvHeads,
    headDim,
    intermediate,
    vocab,
    maxPositions,
    dtype,
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    tiedHead,
    tokenizer: fs.existsSync(path.join(dir, 'tokenizer.json')),
    targets: availableTargets(spec),
    hash,
    stamp,
    dir,
    ...(pointer ? { gguf: { file: pointer.file, quantisation: pointer.quantisation } } : {}),
    notes,
  };
}
