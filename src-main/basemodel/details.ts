/** Facts about a base model for the user. */
import fs from 'node:fs';
import path from 'node:path';
import { availableTargets, type Family } from '../engine/model/architecture.ts';
import type { Target } from '../../src-shared/targets.ts';
import type { BaseModel } from './baseModel.ts';
import type { Dtype } from '../safetensors/dtype.ts';
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
  /** The dtype that holds most bytes. */
  dtype: Dtype;
  /** Of all weights files. */
  sizeBytes: number;
  tiedHead: boolean;
  /** Whether tokenizer.json is there. */
  tokenizer: boolean;
  targets: Target[];
  hash: string;
  stamp: string;
  dir: string;
  /** What the folder holds and the model does not use, a sentence each. */
  notes: string[];
}

export function describeBaseModel(base: BaseModel): ModelDetails {
  const { spec, tensors, files, dir, hash, stamp, config, notes } = base;
  const { family, layers, hidden, heads, kvHeads, headDim, intermediate, vocab, maxPositions, tiedHead } = spec;
  const used = expectedTensors(spec, config).flatMap(({ name }) => tensors.get(name) ?? []);
  const bytesOf = new Map<Dtype, number>();
  for (const { dtype, byteLength } of used) bytesOf.set(dtype, (bytesOf.get(dtype) ?? 0) + byteLength);
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
    notes,
  };
}
