/** What looks like a model, by the names of its files alone. */
import path from 'node:path';
import { isTorchWeights } from '../../../basemodel/weightFiles.ts';
import type { Entry, Listing } from './listing.ts';

export interface Candidate {
  name: string;
  /** A checkpoint's folder, or a GGUF file. */
  path: string;
  kind: 'folder' | 'gguf';
  sizeBytes: number;
}

/** A checkpoint's folder: config.json and weights. Undefined for any other. */
export function checkpointIn(dir: string, name: string, entries: readonly Entry[]): Candidate | undefined {
  const files = entries.filter(({ kind }) => kind === 'file');
  if (!files.some((file) => file.name === 'config.json')) return undefined;
  const safetensors = files.filter((file) => file.name.endsWith('.safetensors'));
  const torch = files.filter((file) => isTorchWeights(file.name) && file.name.endsWith('.bin'));
  const weights = safetensors.length > 0 ? safetensors : torch;
  if (weights.length === 0) return undefined;
  return { name, path: dir, kind: 'folder', sizeBytes: weights.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

/** GGUF files, by their own names; projectors of images and models in several parts aside. */
export function ggufsIn(entries: readonly Entry[]): Candidate[] {
  return entries
    .filter(({ kind, name }) => kind === 'file' && /\.gguf$/i.test(name))
    .filter(({ name }) => !/^mmproj|-of-\d{5}\.gguf$/i.test(name))
    .map((file) => ({
      name: path.basename(file.name, path.extname(file.name)),
      path: file.path,
      kind: 'gguf',
      sizeBytes: file.sizeBytes,
    }));
}

/** The checkpoint in a folder, else its GGUF files. */
export function modelsIn(dir: string, name: string, listing: Listing): Candidate[] {
  const entries = listing.entries(dir);
  const checkpoint = checkpointIn(dir, name, entries);
  return checkpoint ? [checkpoint] : ggufsIn(entries);
}
