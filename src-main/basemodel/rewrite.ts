/**
 * Writes a base model again with some of its weights changed: same files (or shards of a size), same tensor names, same
 * side files. Memory holds one chunk of rows at a time. Merging, unmerging and full fine-tuning all end here.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { BaseModel, BaseTensor } from './baseModel.ts';
import { headNamesInFiles, tokenEmbeddingName } from '../engine/model/tensorNames.ts';
import { DTYPE_BYTES, FLOAT_DTYPES, type Dtype, type DtypeName } from '../safetensors/dtype.ts';
import { editedPieces, type EditRows } from '../safetensors/editedRows.ts';
import { setInJsonFile } from '../files/jsonEdit.ts';
import { writeOutputFolder } from './outputFolder.ts';
import { writePatchedCopy } from '../safetensors/patchedCopy.ts';
import { elementCount, isSafetensors, type TensorInfo, type WeightFile } from '../safetensors/read.ts';
import { writeSafetensors, type TensorEntry, type WrittenFile } from '../safetensors/write.ts';
import { setDtype, setUntied, addEosTokenIds } from './editedConfigs.ts';
import { ownTensorsOf, shardsOf, tensorsInOrder, writeIndex, writtenBytes } from './shards.ts';
import { CHAT_TEMPLATE, copySideFiles } from './sideFiles.ts';
import { INDEX_FILE, writtenName, type WeightIndex } from './weightFiles.ts';

export interface RewriteOptions {
  base: BaseModel;
  /** New or empty, outside the base's folder. */
  outDir: string;
  /** Undefined: every tensor keeps its own dtype. */
  dtype?: DtypeName;
  /** Ids that end a generation beside those that the base's files name. */
  eosTokenIds?: number[];
  /** In place of the base's chat template. */
  chatTemplate?: string | undefined;
  /** Splits the weights anew into files of at most so many bytes of tensors (shards.ts); undefined: as in the base. */
  maxShardBytes?: number | undefined;
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
    if (options.dtype) setDtype(dir, base.fileConfig, FLOAT_DTYPES[options.dtype]);
    if (base.takenApart) setUntied(dir, base.fileConfig);
    if (options.eosTokenIds?.length) addEosTokenIds(dir, base.fileConfig, options.eosTokenIds);
    if (options.chatTemplate !== undefined) fs.writeFileSync(path.join(dir, CHAT_TEMPLATE), options.chatTemplate);
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
  const chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
  const written = new Map<string, WrittenFile>();
  if (options.maxShardBytes !== undefined) {
    const shards = shardsOf(tensorsInOrder(base).map(plans), options.maxShardBytes);
    for (const { name, tensors } of shards)
      written.set(name, await writeSafetensors(path.join(dir, name), entriesOf(tensors, chunkBytes, onBytes)));
    onBytes(total - done);
    writeIndex(dir, shards);
    return written;
  }
  let tensorBytes = 0;
  for (const file of base.files) {
    const name = writtenName(file);
    const plan = ownTensorsOf(base, file).map((info) => plans(info));
    written.set(name, await writeFile(file, path.join(dir, name), plan, chunkBytes, onBytes));
    tensorBytes += plan.reduce((sum, one) => sum + writtenBytes(one), 0);
  }
  const changed = options.dtype !== undefined || base.takenApart;
  if (base.index) writeOwnIndex(dir, base, base.index, changed ? tensorBytes : undefined);
  return written;
}

/** The base's own shards under their new names. tensorBytes: of all tensors, where that has changed. */
function writeOwnIndex(dir: string, base: BaseModel, index: WeightIndex, tensorBytes: number | undefined): void {
  const file = path.join(dir, INDEX_FILE);
  const names = new Map(base.files.map((one) => [path.basename(one.file), writtenName(one)]));
  if (base.format === 'safetensors') fs.writeFileSync(file, fs.readFileSync(path.join(base.dir, INDEX_FILE)));
  else {
    const shards = Object.entries(index.weight_map).map(([tensor, shard]) => [tensor, names.get(shard)]);
    fs.writeFileSync(file, `${JSON.stringify({ ...index, weight_map: Object.fromEntries(shards) }, null, 2)}\n`);
  }
  for (const weights of base.files)
    for (const { name } of ownTensorsOf(base, weights))
      if (!weights.tensors.has(name)) setInJsonFile(file, ['weight_map', name], writtenName(weights));
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
  if (isSafetensors(file) && plan.every(({ info, to }) => to === info.dtype && file.tensors.has(info.name))) {
    const changes = new Map(plan.flatMap(({ info, change }) => (change ? [[info.name, change] as const] : [])));
    return writePatchedCopy(file, target, { changes, chunkBytes, onBytes });
  }
  const metadata = file.format === 'gguf' ? undefined : file.metadata;
  const written = await writeSafetensors(target, entriesOf(plan, chunkBytes, onBytes), metadata);
  onBytes(file.headerBytes.length);
  return written;
}

function entriesOf(plan: TensorPlan[], chunkBytes: number, onBytes: (bytes: number) => void): TensorEntry[] {
  return plan.map(({ info, to, change }) => ({
    name: info.name,
    dtype: to,
    shape: info.shape,
    data: () => counted(editedPieces(info, to, change, chunkBytes), info, to, onBytes),
  }));
}

/** Passes pieces on and reports them in bytes of the file that is read. */
function* counted(
  pieces: Iterable<Uint8Array>,
  info: TensorInfo,
  to: Dtype,
  onBytes: (bytes: number) => void,
): Generator<Uint8Array> {
  const written = elementCount(info) * DTYPE_BYTES[to];
  for (const piece of pieces) {
    yield piece;
    onBytes((piece.length / written) * info.byteLength);
  }
}

/** The model's tensors; a copy of a tied head that a file carries besides is the embedding, and changes with it. */
function tensorsByOriginalName({ spec, tensors }: BaseModel): Map<string, BaseTensor> {
  const byOriginal = new Map([...tensors.values()].map((tensor) => [tensor.originalName, tensor]));
  const embedding = tensors.get(tokenEmbeddingName(spec));
  if (spec.tiedHead && embedding) for (const head of headNamesInFiles(spec)) byOriginal.set(head, embedding);
  return byOriginal;
}
