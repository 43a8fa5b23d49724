/**
 * Writes a checkpoint again with some of its weights changed: same files, same tensor names, same side files. Memory
 * holds one chunk of rows at a time. Merging, unmerging and full fine-tuning all end here.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../errors.ts';
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';
import { castF32, DTYPE_BYTES, FLOAT_DTYPES, widenInto, type Dtype, type DtypeName, type FloatDtype } from './dtype.ts';
import { writeOutputFolder } from './outputFolder.ts';
import { elementCount, readRowsF32, readTensorBytes, rowsOf, type TensorInfo } from './safetensors.ts';
import { writeSafetensors, type TensorEntry, type WrittenFile } from './safetensorsWrite.ts';
import { configTextWithDtype, copySideFiles } from './sideFiles.ts';
import { INDEX_FILE } from './weightFiles.ts';

/** Changes rows `startRow` ... of a tensor, seen as (shape[0], everything else), in place. */
export type EditRows = (rows: Float32Array, startRow: number) => void;

export interface RewriteOptions {
  checkpoint: Checkpoint;
  /** New or empty, outside the checkpoint's folder. */
  outDir: string;
  /** Undefined: every tensor keeps its own dtype. */
  dtype?: DtypeName;
  /** The change to a tensor, or undefined to leave it as it is. */
  edit: (tensor: CheckpointTensor) => EditRows | undefined;
  /** Bytes of the checkpoint's tensors done so far. What it throws stops the work, and nothing is left behind. */
  onProgress?: (progress: { done: number; total: number }) => void;
  /** Float32 values of one tensor that are in memory at a time (a single row is never split). */
  chunkBytes?: number;
}

export interface WrittenCheckpoint {
  /** Names of all files in outDir, sorted. */
  files: string[];
  /** Of all files. */
  sizeBytes: number;
  /** Of the weights file; of several shards, the sha256 of the lines `<sha256>  <name>\n` in name order. */
  sha256: string;
}

const CHUNK_BYTES = 16 << 20;

/**
 * Throws GraftError WEIGHT_OVERFLOW (a value does not fit the dtype), WEIGHT_NOT_FINITE (a changed tensor holds NaN or Inf),
 * OUTPUT_* (see writeOutputFolder), DISK_FULL, NOT_ALLOWED.
 */
export async function rewriteCheckpoint(options: RewriteOptions): Promise<WrittenCheckpoint> {
  const { checkpoint, outDir } = options;
  return writeOutputFolder(outDir, checkpoint.dir, async (dir) => {
    copySideFiles(checkpoint.dir, dir);
    if (options.dtype) fs.writeFileSync(path.join(dir, 'config.json'), configTextWithDtype(checkpoint.config, FLOAT_DTYPES[options.dtype]));
    const written = await writeWeights(dir, options);
    const files = (fs.readdirSync(dir, { recursive: true }) as string[]).filter((name) => fs.statSync(path.join(dir, name)).isFile()).sort();
    return {
      files,
      sizeBytes: files.reduce((sum, name) => sum + fs.statSync(path.join(dir, name)).size, 0),
      sha256: combinedSha256(written),
    };
  });
}

function combinedSha256(written: Map<string, WrittenFile>): string {
  const all = [...written];
  if (all.length === 1) return all[0]![1].sha256;
  return createHash('sha256').update(all.map(([name, { sha256 }]) => `${sha256}  ${name}\n`).join('')).digest('hex');
}

async function writeWeights(dir: string, options: RewriteOptions): Promise<Map<string, WrittenFile>> {
  const { checkpoint, edit, dtype, onProgress, chunkBytes = CHUNK_BYTES } = options;
  const byOriginal = tensorsByOriginalName(checkpoint);
  const total = checkpoint.files.flatMap((file) => [...file.tensors.values()]).reduce((sum, info) => sum + info.byteLength, 0);
  let done = 0;
  const report = (bytes: number): void => onProgress?.({ done: (done += bytes), total });
  let tensorBytes = 0;
  const written = new Map<string, WrittenFile>();
  for (const file of checkpoint.files) {
    const name = path.basename(file.file);
    const entries = [...file.tensors.values()].map((info): TensorEntry => {
      const tensor = byOriginal.get(info.name);
      // Mask buffers and the like, which the model does not read, keep their dtype.
      const to = dtype && tensor ? FLOAT_DTYPES[dtype] : info.dtype;
      const change = tensor && edit(tensor);
      return { name: info.name, dtype: to, shape: info.shape, data: () => pieces(info, to, change, chunkBytes, report) };
    });
    written.set(name, await writeSafetensors(path.join(dir, name), entries, file.metadata));
    tensorBytes += entries.reduce((sum, entry) => sum + elementCount(entry) * DTYPE_BYTES[entry.dtype], 0);
  }
  if (checkpoint.index) {
    const index = { ...checkpoint.index, metadata: { ...checkpoint.index.metadata, total_size: tensorBytes } };
    fs.writeFileSync(path.join(dir, INDEX_FILE), `${JSON.stringify(index, null, 2)}\n`);
  }
  return written;
}

/** The model's tensors; a copy of a tied head that a file carries besides is the embedding, and changes with it. */
function tensorsByOriginalName({ spec, tensors }: Checkpoint): Map<string, CheckpointTensor> {
  const byOriginal = new Map([...tensors.values()].map((tensor) => [tensor.originalName, tensor]));
  const embedding = tensors.get(`${spec.prefix}${spec.family === 'gpt2' ? 'wte' : 'embed_tokens'}.weight`);
  if (spec.tiedHead && embedding) byOriginal.set('lm_head.weight', embedding);
  return byOriginal;
}

function* pieces(info: TensorInfo, to: Dtype, change: EditRows | undefined, chunkBytes: number, report: (bytes: number) => void): Generator<Uint8Array> {
  if (!change && to === info.dtype) {
    for (let start = 0; start < info.byteLength; start += chunkBytes) {
      const bytes = readTensorBytes(info, start, Math.min(chunkBytes, info.byteLength - start));
      yield bytes;
      report(bytes.length);
    }
    return;
  }
  const { rows, width } = rowsOf(info);
  const chunkRows = Math.max(1, Math.floor(chunkBytes / 4 / Math.max(1, width)));
  for (let start = 0; start < rows; start += chunkRows) {
    const count = Math.min(chunkRows, rows - start);
    const values = readRowsF32(info, start, count);
    change?.(values, start);
    if (change) checkFinite(info, values);
    yield castChecked(info, values, to as FloatDtype);
    report((info.byteLength / rows) * count);
  }
}

function checkFinite(info: TensorInfo, values: Float32Array): void {
  if (values.every(Number.isFinite)) return;
  throw new GraftError('WEIGHT_NOT_FINITE', `Tensor ${info.name} of ${info.file} would hold NaN or Inf after the change; check the adapter and the base model.`, { tensor: info.name, file: info.file });
}

/** Casts, and refuses a finite value that became Inf. */
function castChecked(info: TensorInfo, values: Float32Array, to: FloatDtype): Uint8Array {
  const bytes = castF32(values, to);
  if (to === 'F32') return bytes;
  const back = new Float32Array(values.length);
  widenInto(back, new Uint16Array(bytes.buffer), to);
  const at = back.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(values[i]!));
  if (at < 0) return bytes;
  const name = to === 'F16' ? 'f16' : 'bf16';
  throw new GraftError('WEIGHT_OVERFLOW', `Tensor ${info.name} of ${info.file} holds ${values[at]}, which does not fit ${name}; export as ${to === 'F16' ? 'bf16 or f32' : 'f32'} instead.`, { tensor: info.name, file: info.file, value: values[at], dtype: name });
}
