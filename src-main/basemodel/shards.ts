/**
 * Weights split into several files as transformers' save_pretrained(max_shard_size=…) does: tensors in their order, a
 * new file where the next one would not fit any more, one of its own for a tensor that is larger than the limit.
 */
import fs from 'node:fs';
import path from 'node:path';
import { usageError } from '../../src-shared/errors.ts';
import { DTYPE_BYTES, type Dtype } from '../safetensors/dtype.ts';
import { headNamesInFiles, tokenEmbeddingName, untiedHeadName } from '../engine/model/tensorNames.ts';
import { elementCount, type TensorInfo, type WeightFile } from '../safetensors/read.ts';
import type { BaseModel, BaseTensor } from './baseModel.ts';
import { INDEX_FILE } from './weightFiles.ts';

const UNITS: Record<string, number> = {
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Bytes of `5GB` (5·10^9), `5GiB` (5·2^30) and the like. Throws a usage error SHARD_SIZE. */
export function parseShardSize(text: string): number {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim()) ?? [];
  const bytes = Math.floor(Number(count) * (UNITS[unit] ?? NaN));
  if (bytes >= 1) return bytes;
  throw usageError(
    'SHARD_SIZE',
    `The size of a shard is ${JSON.stringify(text)}, but a number with one of ${Object.keys(UNITS).join(', ')} is ` +
      'needed; write 5GB, for example.',
    { got: text },
  );
}

interface Sized {
  info: Pick<TensorInfo, 'name' | 'shape'>;
  /** Its type in the new files. */
  to: Dtype;
}

/** Bytes of a tensor in the new files. */
export function writtenBytes({ info, to }: Sized): number {
  return elementCount(info) * DTYPE_BYTES[to];
}

export interface Shard<T> {
  /** `model-00001-of-00002.safetensors`; `model.safetensors` where there is only one. */
  name: string;
  tensors: T[];
}

/** `maxBytes`: of the tensors in a file; the header comes on top, as in transformers. */
export function shardsOf<T extends Sized>(tensors: T[], maxBytes: number): Shard<T>[] {
  const shards: T[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const bytes = writtenBytes(tensor);
    if (shards.length === 0 || bytes > room) {
      shards.push([]);
      room = maxBytes;
    }
    shards.at(-1)!.push(tensor);
    room -= bytes;
  }
  const number = (n: number): string => String(n).padStart(5, '0');
  return shards.map((all, i) => ({
    name: shards.length === 1 ? 'model.safetensors' : `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`,
    tensors: all,
  }));
}

/** All tensors of a base in the order of its files; where two files hold one, that of the index. */
export function tensorsInOrder(base: BaseModel): TensorInfo[] {
  const { files, index } = base;
  return files.flatMap((one) => {
    const own = path.basename(one.file);
    return ownTensorsOf(base, one).filter(({ name }) => (index?.weight_map[name] ?? own) === own);
  });
}

/**
 * The tensors of a weights file as a rewritten model has them: a head that is taken apart from the embedding stands
 * behind it, unless a file holds a copy under that name.
 */
export function ownTensorsOf({ spec, tensors, files, takenApart }: BaseModel, file: WeightFile): TensorInfo[] {
  const own = [...file.tensors.values()];
  const head = untiedHeadName(spec);
  if (!takenApart || files.some((one) => headNamesInFiles(spec).some((name) => one.tensors.has(name)))) return own;
  const at = own.findIndex(({ name }) => name === tensors.get(tokenEmbeddingName(spec))!.originalName);
  return at < 0 ? own : own.toSpliced(at + 1, 0, renamed(tensors.get(head)!));
}

function renamed(tensor: BaseTensor): BaseTensor {
  return { ...tensor, name: tensor.originalName };
}

/** Text of model.safetensors.index.json, as transformers writes it. */
export function indexText(shards: Shard<Sized>[]): string {
  const names = shards.flatMap(({ name, tensors }) => tensors.map(({ info }) => [info.name, name] as const));
  const total = shards.reduce((sum, { tensors }) => sum + tensors.reduce((all, one) => all + writtenBytes(one), 0), 0);
  const weight_map = Object.fromEntries(names.sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ metadata: { total_size: total }, weight_map }, null, 2)}\n`;
}

export function writeIndex(dir: string, shards: Shard<Sized>[]): void {
  if (shards.length > 1) fs.writeFileSync(path.join(dir, INDEX_FILE), indexText(shards));
}
