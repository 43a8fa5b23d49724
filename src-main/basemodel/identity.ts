/**
 * Two fingerprints of a base model's weights, for two questions.
 *
 * `hash` answers "are these the same weights?". It covers, for every weights file in name order, header, size, and the
 * first and last 1 KiB of each tensor, but neither names of folders nor times: a copied or touched folder keeps its
 * identity, and another fine-tune of the same shape gets its own, without reading gigabytes. Adapters name their base
 * by it.
 *
 * `stamp` answers "did someone touch these files since I last looked?". It covers header, size and modification time
 * only, so it costs almost nothing, but a copy has another stamp, and it must never serve as identity.
 */
import { createHash } from 'node:crypto';
import { readTensorBytes, type WeightFile, type TensorInfo } from '../safetensors/read.ts';

const SAMPLE_BYTES = 1024;

/** Hex sha256 over header, size and both ends of every tensor. `files` in name order. */
export function weightsHash(files: WeightFile[]): string {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(file.headerBytes).update(`\n${file.sizeBytes}\n`);
    for (const info of file.tensors.values()) {
      for (const sample of endsOf(info)) hash.update(sample);
    }
  }
  return hash.digest('hex');
}

function endsOf(info: TensorInfo): Uint8Array[] {
  if (info.byteLength <= 2 * SAMPLE_BYTES) return [readTensorBytes(info)];
  return [readTensorBytes(info, 0, SAMPLE_BYTES), readTensorBytes(info, info.byteLength - SAMPLE_BYTES)];
}

/** Hex sha256 over header, size and modification time. `files` in name order. */
export function weightsStamp(files: WeightFile[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file.headerBytes).update(`\n${file.sizeBytes}\n${file.modifiedMs}\n`);
  return hash.digest('hex');
}
