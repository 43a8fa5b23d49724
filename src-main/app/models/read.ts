/** Reads what the catalogue keeps about a base model's folder. */
import fs from 'node:fs';
import path from 'node:path';
import type { RegisteredModel, WeightFileStat } from '../../catalog/models.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { lastToken, type LastToken } from '../../datasets/tokenizerFiles.ts';
import { ggufPointer } from '../../gguf/pointer.ts';
import { isTorchWeights } from '../../basemodel/weightFiles.ts';
import { describeBaseModel } from '../../basemodel/details.ts';

export type ModelFacts = Omit<RegisteredModel, 'id' | 'name' | 'createdAt'>;

/** Throws the GraftErrors of openBaseModel. */
export function readModel(dir: string): ModelFacts {
  const base = openBaseModel(dir);
  try {
    const details = describeBaseModel(base);
    const notes = [...details.notes, ...tokensOutside(base.dir, details.vocab)];
    return { ...details, notes, files: weightFileStats(base.dir) };
  } finally {
    base.close();
  }
}

/** A note on tokens that the tokenizer knows and the embedding has no row for. */
function tokensOutside(dir: string, vocab: number): string[] {
  let last: LastToken | undefined;
  try {
    last = lastToken(dir);
  } catch {
    // Whether the tokenizer can be used is a question of its own, asked on the model's page and by every run.
  }
  if (!last || last.id < vocab) return [];
  return [
    `The tokenizer knows tokens up to ${last.id} (${last.text}), but the embedding has only ${vocab} rows; texts ` +
      'with tokens beyond them are refused, and rows of a dataset left out.',
  ];
}

/** Size and time of every weights file of a folder. Reads no contents; a folder that cannot be listed has none. */
export function weightFileStats(dir: string): WeightFileStat[] {
  try {
    const pointer = ggufPointer(dir);
    if (pointer) return [statOf(pointer.file, pointer.file)];
    const names = fs.readdirSync(dir);
    const safetensors = names.filter((name) => name.endsWith('.safetensors'));
    const torch = names.filter((name) => isTorchWeights(name) && name.endsWith('.bin'));
    return (safetensors.length > 0 ? safetensors : torch).sort().map((name) => statOf(name, path.join(dir, name)));
  } catch {
    return [];
  }
}

function statOf(name: string, file: string): WeightFileStat {
  const { size, mtimeMs } = fs.statSync(file);
  return { name, sizeBytes: size, modifiedMs: mtimeMs };
}
