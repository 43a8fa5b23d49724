/** Reading the PyTorch goldens beside the repository: inputs, logits and adapters as plain arrays. */
import fs from 'node:fs';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { openSafetensors, readTensorF32 } from '../../src-main/safetensors/read.ts';
import { Decoder } from '../../src-main/engine/model/decoder.ts';
import { loadWeights, type LoadOptions } from '../../src-main/engine/model/weights.ts';
import type { Batch } from '../../src-main/engine/train/batchLoss.ts';
import { sharedPath } from './shared.ts';

export interface BaseGolden {
  input_ids: number[][];
  attention_mask: number[][];
  labels: number[][];
  loss: number;
  generation: { greedy: { prompt: number[]; new_tokens: number[] } };
}

export interface CaseGolden {
  hyperparameters: { steps: number; lr: number; weight_decay: number; clip: number; warmup: number; eps: number };
  trainable_count: number;
  steps: { loss: number; grad_norm: number; lr: number; batch?: number; batches?: number[] }[];
  final_eval_loss: number;
}

export function readJson<T>(relative: string): T {
  return JSON.parse(fs.readFileSync(sharedPath(relative), 'utf8')) as T;
}

export function readTensors(relative: string): Map<string, { shape: number[]; values: Float32Array }> {
  const file = openSafetensors(sharedPath(relative));
  try {
    return new Map([...file.tensors].map(([name, info]) => [name, { shape: info.shape, values: readTensorF32(info) }]));
  } finally {
    file.close();
  }
}

/** The model of a checkpoint folder on the current backend. */
export function loadModel(dir: string, options?: LoadOptions): Decoder {
  const checkpoint = openBaseModel(dir);
  try {
    return new Decoder(checkpoint.spec, loadWeights(checkpoint.spec, checkpoint, options));
  } finally {
    checkpoint.close();
  }
}

export function toBatch(rows: { input_ids: number[][]; attention_mask: number[][]; labels: number[][] }): Batch {
  return {
    ids: Int32Array.from(rows.input_ids.flat()),
    labels: Int32Array.from(rows.labels.flat()),
    mask: Int32Array.from(rows.attention_mask.flat()),
    B: rows.input_ids.length,
    T: rows.input_ids[0]!.length,
  };
}

/** Values of the rows (of `width` numbers) where mask is 1. */
export function attendedRows(values: ArrayLike<number>, mask: ArrayLike<number>, width: number): Float32Array {
  const out: number[] = [];
  for (let i = 0; i < mask.length; i++) if (mask[i]) for (let j = 0; j < width; j++) out.push(values[i * width + j]!);
  return Float32Array.from(out);
}
