/**
 * Finds the weights files of a Hugging Face folder: `model.safetensors`, the shards that `model.safetensors.index.json`
 * lists, or the GGUF file that a companion folder names. Opens and checks them all.
 */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { GraftError } from '../../src-shared/errors.ts';
import { shownValue } from '../../src-shared/shownValue.ts';
import type { ModelConfig } from '../engine/model/architecture.ts';
import { ggufPointer, headerSha256, type GgufPointer } from '../gguf/pointer.ts';
import { openGgufWeights } from '../gguf/weights.ts';
import { readForeignText } from '../files/foreignFile.ts';
import { parseJson } from '../files/parseJson.ts';
import { isSafetensors, openSafetensors, type WeightFile } from '../safetensors/read.ts';

/** All are open at once; the largest checkpoints have a few hundred. */
const MOST_SHARDS = 800;
/** An index names every tensor of a model once. */
const INDEX_BYTES = 64 << 20;

const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/** `metadata.total_size`: bytes of all tensors; `weight_map`: tensor name -> shard. Other fields are kept. */
const indexSchema = z.looseObject({
  metadata: z.looseObject({}).optional(),
  weight_map: z.record(z.string(), z.string()),
});
export type WeightIndex = z.infer<typeof indexSchema>;

export interface WeightFiles {
  /** In name order. */
  files: WeightFile[];
  /** Present when the weights are in shards. */
  index?: WeightIndex;
}

/** How an export calls its file of the weights that `file` holds. */
export function writtenName(file: WeightFile): string {
  return isSafetensors(file) ? path.basename(file.file) : SINGLE_FILE;
}

/** Throws GraftError CHECKPOINT_* naming the file or shard that is missing or wrong; leaves no file open then. */
export function openWeightFiles(dir: string, config: ModelConfig): WeightFiles {
  const pointer = ggufPointer(dir);
  if (pointer) return { files: [openPointed(pointer, config)] };
  if (fs.existsSync(path.join(dir, SINGLE_FILE))) return { files: [openSafetensors(path.join(dir, SINGLE_FILE))] };
  if (!fs.existsSync(path.join(dir, INDEX_FILE))) throw noWeights(dir);
  const index = readIndex(path.join(dir, INDEX_FILE));
  const names = [...new Set(Object.values(index.weight_map))].sort();
  if (names.length > MOST_SHARDS)
    throw new GraftError(
      'CHECKPOINT_INDEX',
      `${dir}: ${INDEX_FILE} lists ${names.length} shards, more than any checkpoint has; download it again.`,
      { dir, shards: names.length },
    );
  const files: WeightFile[] = [];
  try {
    for (const name of names) files.push(openShard(dir, name));
    checkIndex(dir, index, files);
    return { files, index };
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}

/** Throws GGUF_CHANGED where the file is gone, or another than the folder was made from. */
function openPointed(pointer: GgufPointer, config: ModelConfig): WeightFile {
  const changed = (what: string): GraftError =>
    new GraftError('GGUF_CHANGED', `${pointer.file} ${what}; put it back, or add the model again.`, {
      file: pointer.file,
    });
  if (!fs.existsSync(pointer.file)) throw changed('is gone');
  const weights = openGgufWeights(pointer.file, config);
  if (weights.sizeBytes === pointer.sizeBytes && headerSha256(weights) === pointer.headerSha256)
    return { ...weights, notes: pointer.notes };
  weights.close();
  throw changed('is not the file any more that was added');
}

function noWeights(dir: string): GraftError {
  const names = fs.readdirSync(dir);
  const other = names.find((name) => /^pytorch_model.*\.bin(\.index\.json)?$/.test(name));
  if (other) {
    return new GraftError(
      'CHECKPOINT_NOT_SAFETENSORS',
      `${dir} holds its weights only as ${other}; convert them to safetensors (in Python: ` +
        'model.save_pretrained(folder)) and add that folder.',
      { dir, found: other },
    );
  }
  return new GraftError(
    'CHECKPOINT_NO_WEIGHTS',
    `${dir} has neither ${SINGLE_FILE} nor ${INDEX_FILE}; choose the folder of a complete Hugging Face checkpoint.`,
    { dir },
  );
}

function readIndex(file: string): WeightIndex {
  const json = parseJson(readForeignText(file, INDEX_BYTES));
  if ('problem' in json)
    throw new GraftError('CHECKPOINT_INDEX', `${file} ${json.problem}; download it again.`, { file });
  const parsed = indexSchema.safeParse(json.value);
  if (!parsed.success)
    throw new GraftError(
      'CHECKPOINT_INDEX',
      `${file} has no weight_map from tensor names to file names; download it again.`,
      { file },
    );
  const outside = Object.values(parsed.data.weight_map).find(
    (name) => path.basename(name) !== name || name.includes('\\') || !name.endsWith('.safetensors'),
  );
  if (outside !== undefined)
    throw new GraftError(
      'CHECKPOINT_INDEX',
      `${file} names the shard ${shownValue(outside)}, which is not a safetensors file of its folder; ` +
        'download it again.',
      { file, shard: outside },
    );
  return parsed.data;
}

function openShard(dir: string, name: string): WeightFile {
  const file = path.join(dir, name);
  if (!fs.existsSync(file)) {
    throw new GraftError(
      'CHECKPOINT_SHARD_MISSING',
      `${dir}: shard ${name} is listed in ${INDEX_FILE} but is not in the folder; download it into the folder.`,
      { dir, shard: name },
    );
  }
  return openSafetensors(file);
}

function checkIndex(dir: string, index: WeightIndex, files: WeightFile[]): void {
  const byName = new Map(files.map((file) => [path.basename(file.file), file]));
  for (const [tensor, shard] of Object.entries(index.weight_map)) {
    if (byName.get(shard)?.tensors.has(tensor)) continue;
    throw new GraftError(
      'CHECKPOINT_INDEX',
      `${dir}: ${INDEX_FILE} says that shard ${shard} holds tensor ${tensor}, but it does not; download shard ` +
        'and index again.',
      { dir, shard, tensor },
    );
  }
}
