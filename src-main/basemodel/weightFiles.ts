/**
 * Finds the weights files of a Hugging Face folder: `model.safetensors`, or the shards that
 * `model.safetensors.index.json` lists, or the same as `pytorch_model.bin`, or the GGUF file that a companion folder
 * names. Opens and checks them all.
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
import { openTorchFile } from '../pickle/torchFile.ts';
import { openSafetensors, type WeightFile } from '../safetensors/read.ts';

/** All are open at once; the largest checkpoints have a few hundred. */
const MOST_SHARDS = 800;
/** An index names every tensor of a model once. */
const INDEX_BYTES = 64 << 20;

/** What an export writes. */
export const INDEX_FILE = 'model.safetensors.index.json';

interface Format {
  name: 'safetensors' | 'torch';
  single: string;
  index: string;
  /** What every shard's name ends in. */
  extension: string;
  /** In words, as in `which is not <file> of its folder`. */
  file: string;
  open(file: string): WeightFile;
}

/** The first that a folder has is used. */
const FORMATS: Format[] = [
  {
    name: 'safetensors',
    single: 'model.safetensors',
    index: INDEX_FILE,
    extension: '.safetensors',
    file: 'a safetensors file',
    open: openSafetensors,
  },
  {
    name: 'torch',
    single: 'pytorch_model.bin',
    index: 'pytorch_model.bin.index.json',
    extension: '.bin',
    file: "a .bin file of PyTorch's",
    open: openTorchFile,
  },
];

/** `metadata.total_size`: bytes of all tensors; `weight_map`: tensor name -> shard. Other fields are kept. */
const indexSchema = z.looseObject({
  metadata: z.looseObject({}).optional(),
  weight_map: z.record(z.string(), z.string()),
});
export type WeightIndex = z.infer<typeof indexSchema>;

export interface WeightFiles {
  format: Format['name'] | 'gguf';
  /** In name order. */
  files: WeightFile[];
  /** Present when the weights are in shards. */
  index?: WeightIndex;
  /** The same weights in another format, which are not used. */
  unused?: string;
}

/** Throws GraftError CHECKPOINT_* naming the file or shard that is missing or wrong; leaves no file open then. */
export function openWeightFiles(dir: string, config: ModelConfig): WeightFiles {
  const pointer = ggufPointer(dir);
  if (pointer) return { format: 'gguf', files: [openPointed(pointer, config)] };
  const [format, other] = FORMATS.filter((one) => foundIn(dir, one) !== undefined);
  if (!format) throw noWeights(dir);
  const found: Pick<WeightFiles, 'format' | 'unused'> = {
    format: format.name,
    ...(other ? { unused: foundIn(dir, other)! } : {}),
  };
  const single = path.join(dir, format.single);
  if (fs.existsSync(single)) return { ...found, files: [format.open(single)] };
  return { ...found, ...openShards(dir, format) };
}

function foundIn(dir: string, { single, index }: Format): string | undefined {
  return [single, index].find((name) => fs.existsSync(path.join(dir, name)));
}

function openShards(dir: string, format: Format): Pick<WeightFiles, 'files' | 'index'> {
  const index = readIndex(path.join(dir, format.index), format);
  const names = [...new Set(Object.values(index.weight_map))].sort();
  if (names.length > MOST_SHARDS)
    throw new GraftError(
      'CHECKPOINT_INDEX',
      `${dir}: ${format.index} lists ${names.length} shards, more than any checkpoint has; download it again.`,
      { dir, shards: names.length },
    );
  const files: WeightFile[] = [];
  try {
    for (const name of names) files.push(openShard(dir, name, format));
    checkIndex(dir, index, files, format);
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

/** How an export calls its file of the weights that `file` holds: `pytorch_model.bin` becomes `model.safetensors`. */
export function writtenName({ file, format }: WeightFile): string {
  const name = path.basename(file);
  if (format === 'torch') return name.replace(/^pytorch_model/, 'model').replace(/bin$/, 'safetensors');
  return format === 'safetensors' ? name : FORMATS[0]!.single;
}

/** Whether the name is one of a folder's weights in PyTorch's own format. */
export function isTorchWeights(name: string): boolean {
  return /^pytorch_model([-.].*)?\.bin(\.index\.json)?$/.test(name);
}

const OTHER_FORMATS = /^((tf|flax)_model.*\.(h5|msgpack)|consolidated.*\.pth|.*\.(gguf|onnx))$/;

function noWeights(dir: string): GraftError {
  const other = fs.readdirSync(dir).find((name) => OTHER_FORMATS.test(name));
  if (other) {
    const instead = other.endsWith('.gguf')
      ? 'add that file by its own path'
      : 'convert them to safetensors (in Python: model.save_pretrained(folder)) and add that folder';
    return new GraftError('CHECKPOINT_NOT_SAFETENSORS', `${dir} holds its weights only as ${other}; ${instead}.`, {
      dir,
      found: other,
    });
  }
  const [wanted] = FORMATS;
  return new GraftError(
    'CHECKPOINT_NO_WEIGHTS',
    `${dir} has neither ${wanted!.single} nor ${wanted!.index}, and no pytorch_model.bin; choose the folder of a ` +
      'complete Hugging Face checkpoint.',
    { dir },
  );
}

function readIndex(file: string, { extension, file: kind }: Format): WeightIndex {
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
    (name) => path.basename(name) !== name || name.includes('\\') || !name.endsWith(extension),
  );
  if (outside !== undefined)
    throw new GraftError(
      'CHECKPOINT_INDEX',
      `${file} names the shard ${shownValue(outside)}, which is not ${kind} of its folder; download it again.`,
      { file, shard: outside },
    );
  return parsed.data;
}

function openShard(dir: string, name: string, { index, open }: Format): WeightFile {
  const file = path.join(dir, name);
  if (!fs.existsSync(file)) {
    throw new GraftError(
      'CHECKPOINT_SHARD_MISSING',
      `${dir}: shard ${name} is listed in ${index} but is not in the folder; download it into the folder.`,
      { dir, shard: name },
    );
  }
  return open(file);
}

function checkIndex(dir: string, index: WeightIndex, files: WeightFile[], { index: indexFile }: Format): void {
  const byName = new Map(files.map((file) => [path.basename(file.file), file]));
  for (const [tensor, shard] of Object.entries(index.weight_map)) {
    if (byName.get(shard)?.tensors.has(tensor)) continue;
    throw new GraftError(
      'CHECKPOINT_INDEX',
      `${dir}: ${indexFile} says that shard ${shard} holds tensor ${tensor}, but it does not; download shard ` +
        'and index again.',
      { dir, shard, tensor },
    );
  }
}
