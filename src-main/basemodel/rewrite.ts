/**
 * Writes a base model again with some of its weights changed: same files, same tensor names, same side files. Memory
 * holds one chunk of rows at a time. Merging, unmerging and full fine-tuning all end here.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { BaseModel, BaseTensor } from './baseModel.ts';
import { tokenEmbeddingName, untiedHeadName } from '../engine/model/tensorNames.ts';
import { DTYPE_BYTES, FLOAT_DTYPES, type Dtype, type DtypeName } from '../safetensors/dtype.ts';
import { editedPieces, type EditRows } from '../safetensors/editedRows.ts';
import { setInJsonFile } from '../files/jsonEdit.ts';
import { writeOutputFolder } from './outputFolder.ts';
import { writePatchedCopy } from '../safetensors/patchedCopy.ts';
import { elementCount, type WeightFile, type TensorInfo } from '../safetensors/read.ts';
import { writeSafetensors, type TensorEntry, type WrittenFile } from '../safetensors/write.ts';
import { setDtype, setUntied, addEosTokenIds } from './editedConfigs.ts';
import { copySideFiles } from './sideFiles.ts';
import { exportedName, INDEX_FILE, type WeightIndex } from './weightFiles.ts';

export interface RewriteOptions {
  base: BaseModel;
  /** New or empty, outside the base's folder. */
  outDir: string;
  /** Undefined: every tensor keeps its own dtype. */
  dtype?: DtypeName;
  /** Ids that end a generation beside those that the base's files name. */
  eosTokenIds?: number[];
  /** The change to a tensor, or undefined to leave it as it is. */
  edit: (tensor: BaseTensor) => EditRows | undefined;
  /** Bytes of the base's files done so far. What it throws stops the work and leaves nothing behind. */
  onProgress?: (progress: { done: number; total: number }) => void;
  /** Float32 values of one tensor that are in memory at a time (a single row is never split). */
  chunkBytes?: number;
}

export interface WrittenModel {
  /** Names of all files in outDir, sorted. */
  files: string[];
  /** Of all files. */
  sizeBytes: number;
  /** Of the weights file; of several shards, the sha256 of the lines `<sha256>  <name>\n` in name order. */
  sha256: string;
}

const CHUNK_BYTES = 16 << 20;

/**
 * Throws GraftError WEIGHT_OVERFLOW (a value does not fit the dtype), WEIGHT_NOT_FINITE (a changed tensor holds NaN or
 * Inf), OUTPUT_* (see writeOutputFolder), DISK_FULL, NOT_ALLOWED.
 */
export async function rewriteBaseModel(options: RewriteOptions): Promise<WrittenModel> {
  const { base, outDir } = options;
  return writeOutputFolder(outDir, base.dir, async (dir) => {
    copySideFiles(base.dir, dir);
    if (options.dtype) setDtype(dir, base.config, FLOAT_DTYPES[options.dtype]);
    if (base.takenApart) setUntied(dir);
    if (options.eosTokenIds?.length) addEosTokenIds(dir, base.config, options.eosTokenIds);
    const written = await writeWeights(dir, options);
    const files = (fs.readdirSync(dir, { recursive: true }) as string[])
      .filter((name) => fs.statSync(path.join(dir, name)).isFile())
      .sort();
    return {
      files,
      sizeBytes: files.reduce((sum, name) => sum + fs.statSync(path.join(dir, name)).size, 0),
      sha256: combinedSha256(written),
    };
  });
}

function combinedSha256(written: Map<string, WrittenFile>): string {
  const all = [...written];
  const [first] = all;
  if (first && all.length === 1) return first[1].sha256;
  return createHash('sha256')
    .update(all.map(([name, { sha256 }]) => `${sha256}  ${name}\n`).join(''))
    .digest('hex');
}

async function writeWeights(dir: string, options: RewriteOptions): Promise<Map<string, WrittenFile>> {
  const { base, onProgress } = options;
  const total = base.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  const onBytes = (bytes: number): void => onProgress?.({ done: (done += bytes), total });
  const plans = plansFor(options);
  const written = new Map<string, WrittenFile>();
  let tensorBytes = 0;
  for (const file of base.files) {
    const name = exportedName(path.basename(file.file));
    const added = addedTo(file, base);
    const plan = [...file.tensors.values(), ...added].map((info) => plans(info));
    const write = base.format === 'safetensors' && added.length === 0 ? writeFile : writeAnew;
    written.set(name, await write(file, path.join(dir, name), plan, options.chunkBytes ?? CHUNK_BYTES, onBytes));
    tensorBytes += plan.reduce((sum, { info, to }) => sum + elementCount(info) * DTYPE_BYTES[to], 0);
  }
  const changed = options.dtype !== undefined || base.takenApart;
  if (base.index) writeIndex(dir, base, base.index, changed ? tensorBytes : undefined);
  return written;
}

/** A head that is taken apart from the embedding stands beside it, unless a file holds a copy under that name. */
function addedTo(file: WeightFile, { spec, tensors, files, takenApart }: BaseModel): TensorInfo[] {
  const head = untiedHeadName(spec);
  if (!takenApart || files.some((one) => one.tensors.has(head))) return [];
  const { originalName } = tensors.get(tokenEmbeddingName(spec))!;
  return file.tensors.has(originalName) ? [tensors.get(head)!] : [];
}

/** tensorBytes: of all tensors, where that has changed. */
function writeIndex(dir: string, base: BaseModel, index: WeightIndex, tensorBytes?: number): void {
  const file = path.join(dir, INDEX_FILE);
  if (base.format === 'safetensors') fs.writeFileSync(file, fs.readFileSync(path.join(base.dir, INDEX_FILE)));
  else {
    const shards = Object.entries(index.weight_map).map(([tensor, shard]) => [tensor, exportedName(shard)]);
    fs.writeFileSync(file, `${JSON.stringify({ ...index, weight_map: Object.fromEntries(shards) }, null, 2)}\n`);
  }
  for (const weights of base.files)
    for (const { name } of addedTo(weights, base))
      setInJsonFile(file, ['weight_map', name], exportedName(path.basename(weights.file)));
  if (tensorBytes !== undefined) setInJsonFile(file, ['metadata', 'total_size'], tensorBytes);
}

/** What becomes of one tensor. */
interface TensorPlan {
  info: TensorInfo;
  to: Dtype;
  change: EditRows | undefined;
}

function plansFor({ base, edit, dtype }: RewriteOptions): (info: TensorInfo) => TensorPlan {
  const byOriginal = tensorsByOriginalName(base);
  return (info) => {
    const tensor = byOriginal.get(info.name);
    // Mask buffers and the like, which the model does not read, keep their dtype.
    return { info, to: dtype && tensor ? FLOAT_DTYPES[dtype] : info.dtype, change: tensor && edit(tensor) };
  };
}

/** Where no dtype changes, a patched copy does; else every tensor is written anew. */
async function writeFile(
  file: WeightFile,
  target: string,
  plan: TensorPlan[],
  chunkBytes: number,
  onBytes: (bytes: number) => void,
): Promise<WrittenFile> {
  if (plan.every(({ info, to }) => to === info.dtype)) {
    const changes = new Map(plan.flatMap(({ info, change }) => (change ? [[info.name, change] as const] : [])));
    return writePatchedCopy(file, target, { changes, chunkBytes, onBytes });
  }
  return writeAnew(file, target, plan, chunkBytes, onBytes);
}

async function writeAnew(
  file: WeightFile,
  target: string,
  plan: TensorPlan[],
  chunkBytes: number,
  onBytes: (bytes: number) => void,
): Promise<WrittenFile> {
  const entries = plan.map(({ info, to, change }): TensorEntry => ({
    name: info.name,
    dtype: to,
    shape: info.shape,
    data: () => counted(editedPieces(info, to, change, chunkBytes), info, to, onBytes),
  }));
  const written = await writeSafetensors(target, entries, file.metadata);
  onBytes(file.headerBytes.length);
  return written;
}

/** Passes pieces on and reports them in bytes of the file that is read. */
function* counted(
  pieces: Iterable<Uint8Array>,
  { dtype }: TensorInfo,
  to: Dtype,
  onBytes: (bytes: number) => void,
): Generator<Uint8Array> {
  for (const piece of pieces) {
    yield piece;
    onBytes((piece.length / DTYPE_BYTES[to]) * DTYPE_BYTES[dtype]);
  }
}

/** The model's tensors; a copy of a tied head that a file carries besides is the embedding, and changes with it. */
function tensorsByOriginalName({ spec, tensors }: BaseModel): Map<string, BaseTensor> {
  const byOriginal = new Map([...tensors.values()].map((tensor) => [tensor.originalName, tensor]));
  const embedding = tensors.get(tokenEmbeddingName(spec));
  if (spec.tiedHead && embedding) byOriginal.set(untiedHeadName(spec), embedding);
  return byOriginal;
}
