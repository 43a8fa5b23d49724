/**
 * What an export would write, how large, whether it fits on the disk, and what stands in its way: all before it starts.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ExportRecord } from '../../catalog/exports.ts';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { DTYPE_BYTES, FLOAT_DTYPES, type DtypeName } from '../../safetensors/dtype.ts';
import { elementCount, type SafetensorsFile } from '../../safetensors/read.ts';
import { CERTIFICATE_FILE, sideFilesOf } from '../../basemodel/sideFiles.ts';
import { INDEX_FILE } from '../../basemodel/weightFiles.ts';
import type { ErrorCode } from '../../../src-shared/errorCodes.ts';
import { toErrorData, usageError, type ErrorData } from '../../../src-shared/errors.ts';
import { diskFullError, freeBytesAt } from '../../files/freeSpace.ts';
import { mergeNotes } from './notes.ts';

export interface PlannedFile {
  /** Relative to the new folder. */
  name: string;
  /** Exact for copies, within a few hundred bytes for what is written anew. */
  sizeBytes: number;
}

export interface ExportPlan {
  /** Absolute. */
  outDir: string;
  files: PlannedFile[];
  totalBytes: number;
  /** Where `outDir` would lie; null where the system does not say. */
  freeBytes: number | null;
  /** What else the export does or leaves out, in sentences. */
  notes: string[];
  /** Why it cannot be done like this. */
  problem: ErrorData | null;
}

export interface ScaledAdapter {
  adapter: Adapter;
  scale: number;
}

/** A certificate is some forty short lines. */
const CERTIFICATE_BYTES = 1400;

/** Never throws for what is wrong with the request: that is `problem`. `modelDir` undefined: the base is gone. */
export function planExport(
  catalog: Catalog,
  request: {
    kind: ExportRecord['kind'];
    adapters: ScaledAdapter[];
    modelDir: string | undefined;
    outDir: string;
    dtype: DtypeName | undefined;
  },
): ExportPlan {
  const outDir = path.resolve(request.outDir);
  const freeBytes = freeBytesAt(outDir);
  let files: PlannedFile[] = [];
  let notes: string[] = [];
  let problem = obstacle(catalog, request);
  try {
    files = filesOf(request);
    notes = notesOf(request);
  } catch (error) {
    problem ??= toErrorData(error);
  }
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (fs.existsSync(outDir)) problem ??= folderExists(outDir).toData();
  if (freeBytes !== null && totalBytes > freeBytes) problem ??= diskFullError(outDir, totalBytes, freeBytes).toData();
  return { outDir, files, totalBytes, freeBytes, notes, problem };
}

function filesOf({
  kind,
  adapters,
  modelDir,
  dtype,
}: {
  kind: ExportRecord['kind'];
  adapters: ScaledAdapter[];
  modelDir: string | undefined;
  dtype: DtypeName | undefined;
}): PlannedFile[] {
  if (kind === 'adapter') return adapters.flatMap(({ adapter }) => adapterFiles(adapter.dir));
  return modelDir === undefined ? [] : mergedFiles(modelDir, dtype);
}

function notesOf({
  kind,
  adapters,
  modelDir,
}: Pick<Parameters<typeof planExport>[1], 'kind' | 'adapters' | 'modelDir'>): string[] {
  if (kind === 'adapter' || modelDir === undefined) return [];
  return mergeNotes(
    modelDir,
    adapters.map(({ adapter }) => adapter.dir),
  );
}

export function folderExists(outDir: string) {
  return usageError(
    'FOLDER_EXISTS',
    `${outDir} exists already; choose a folder that does not, so that nothing is overwritten.`,
    { path: outDir },
  );
}

/** All files of an adapter's folder. Throws the file system's error. */
export function adapterFiles(dir: string): PlannedFile[] {
  const names = fs.readdirSync(dir, { recursive: true }) as string[];
  return names
    .map((name) => ({ name, stat: fs.statSync(path.join(dir, name)) }))
    .filter(({ stat }) => stat.isFile())
    .map(({ name, stat }) => ({ name, sizeBytes: stat.size }));
}

/** The files of a merged folder. Throws the GraftErrors of openBaseModel. */
function mergedFiles(modelDir: string, dtype: DtypeName | undefined): PlannedFile[] {
  const base = openBaseModel(modelDir);
  try {
    const read = new Set([...base.tensors.values()].map(({ originalName }) => originalName));
    const weights = base.files.map((file) => ({
      name: path.basename(file.file),
      sizeBytes: weightBytes(file, read, dtype),
    }));
    const index = base.index ? [{ name: INDEX_FILE, sizeBytes: JSON.stringify(base.index, null, 2).length }] : [];
    return [...sideFilesOf(base.dir), ...weights, ...index, { name: CERTIFICATE_FILE, sizeBytes: CERTIFICATE_BYTES }];
  } finally {
    base.close();
  }
}

/** Undefined where the files that are read cannot be: the work itself will say why. */
export function neededBytes({
  kind,
  modelDir,
  adapterDir,
  dtype,
}: {
  kind?: ExportRecord['kind'] | undefined;
  modelDir: string;
  adapterDir: string;
  dtype?: DtypeName | undefined;
}): number | undefined {
  try {
    const files = kind === 'adapter' ? adapterFiles(adapterDir) : mergedFiles(modelDir, dtype);
    return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  } catch {
    return undefined;
  }
}

/** A weights file with its model tensors in another type; buffers that the model does not read keep theirs. */
function weightBytes(file: SafetensorsFile, read: Set<string>, dtype: DtypeName | undefined): number {
  if (!dtype) return file.sizeBytes;
  const tensors = [...file.tensors.values()].filter(({ name }) => read.has(name));
  return tensors.reduce(
    (sum, info) => sum + elementCount(info) * DTYPE_BYTES[FLOAT_DTYPES[dtype]] - info.byteLength,
    file.sizeBytes,
  );
}

/** What no other folder or type would change. */
function obstacle(
  catalog: Catalog,
  { kind, adapters, modelDir }: { kind: ExportRecord['kind']; adapters: ScaledAdapter[]; modelDir: string | undefined },
): ErrorData | null {
  if (kind === 'adapter')
    return adapters.length === 1
      ? null
      : problem('ONE_ADAPTER', 'A copy is of one adapter; export the others one by one, or merge them.');
  const [first] = adapters;
  if (!first || modelDir === undefined)
    return problem(
      'MODEL_NOT_FOUND',
      'The base model of this adapter is not in the catalogue any more; add its folder again, or export the ' +
        'adapter only.',
    );
  const stranger = adapters.find(({ adapter }) => adapter.baseHash !== first.adapter.baseHash);
  if (stranger)
    return problem(
      'DIFFERENT_BASES',
      `${stranger.adapter.name} was trained on another base model than ${first.adapter.name}; only adapters of ` +
        'one base can be merged together.',
    );
  for (const { adapter } of adapters) {
    const reason = notMergeable(catalog, adapter);
    if (reason)
      return problem('NOT_MERGEABLE', `${adapter.name} ${reason}; export the adapter only and use it beside its base.`);
  }
  if (adapters.length === 1 && first.scale === 1) return null;
  for (const { adapter } of adapters) {
    const why = descriptorOf(adapter.method.type).notAdditive?.(adapter.method);
    if (why !== undefined)
      return problem(
        'NOT_ADDITIVE',
        `${adapter.name} ${why} instead of only adding to them, so it can only be merged by itself at scale 1.`,
      );
  }
  return null;
}

/** Why an adapter cannot become part of the weights; undefined when it can. */
function notMergeable(catalog: Catalog, { method, runId }: Adapter): string | undefined {
  const { notMergeable: why } = descriptorOf(method.type);
  if (why !== undefined) return why;
  const run = runId === null ? undefined : catalog.runs.get(runId);
  return run?.spec.data.classify
    ? 'classifies texts with a head of its own, for which the base has no place'
    : undefined;
}

function problem(code: ErrorCode, message: string): ErrorData {
  return { code, message, kind: 'usage' };
}
