/**
 * What an export would write, how large, whether it fits on the disk, and what stands in its way: all before it starts.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ExportRecord } from '../../catalog/exports.ts';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';
import type { DtypeName } from '../../safetensors/dtype.ts';
import type { ErrorCode } from '../../../src-shared/errorCodes.ts';
import { toErrorData, usageError, type ErrorData } from '../../../src-shared/errors.ts';
import { MANAGED_FOLDERS } from '../storage/home.ts';
import { refuseLinkToNowhere } from '../../files/refuseLinkToNowhere.ts';
import { realPath } from '../../files/realPath.ts';
import { diskFullError, freeBytesAt } from '../../files/freeSpace.ts';
import { look } from '../looking/look.ts';
import type { PlannedFile } from './mergedFiles.ts';

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

/** Never throws for what is wrong with the request: that is `problem`. `modelDir` undefined: the base is gone. */
export async function planExport(
  catalog: Catalog,
  homeDir: string,
  request: {
    kind: ExportRecord['kind'];
    adapters: ScaledAdapter[];
    modelDir: string | undefined;
    outDir: string;
    dtype: DtypeName | undefined;
  },
): Promise<ExportPlan> {
  const outDir = path.resolve(request.outDir);
  const freeBytes = freeBytesAt(outDir);
  let files: PlannedFile[] = [];
  let notes: string[] = [];
  let problem = obstacle(catalog, request);
  try {
    files = await filesOf(request);
    notes = await notesOf(request);
  } catch (error) {
    problem ??= toErrorData(error);
  }
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  try {
    assertNewFolder(outDir, homeDir);
  } catch (error) {
    problem ??= toErrorData(error);
  }
  if (freeBytes !== null && totalBytes > freeBytes) problem ??= diskFullError(outDir, totalBytes, freeBytes).toData();
  return { outDir, files, totalBytes, freeBytes, notes, problem };
}

async function filesOf({
  kind,
  adapters,
  modelDir,
  dtype,
}: {
  kind: ExportRecord['kind'];
  adapters: ScaledAdapter[];
  modelDir: string | undefined;
  dtype: DtypeName | undefined;
}): Promise<PlannedFile[]> {
  if (kind === 'adapter') return adapters.flatMap(({ adapter }) => adapterFiles(adapter.dir));
  return modelDir === undefined ? [] : look('mergedFiles', [modelDir, dtype]);
}

async function notesOf({
  kind,
  adapters,
  modelDir,
}: Pick<Parameters<typeof planExport>[2], 'kind' | 'adapters' | 'modelDir'>): Promise<string[]> {
  if (kind === 'adapter' || modelDir === undefined) return [];
  return look('mergeNotes', [modelDir, adapters.map(({ adapter }) => adapter.dir)]);
}

/** Throws a usage error where nothing may be written: FOLDER_EXISTS, OUTPUT_INSIDE_HOME, OUTPUT_NOT_A_FOLDER. */
export function assertNewFolder(outDir: string, homeDir: string): void {
  if (fs.existsSync(outDir)) throw folderExists(outDir);
  refuseLinkToNowhere(outDir);
  const target = realPath(outDir);
  const managed = MANAGED_FOLDERS.map((name) => realPath(path.join(homeDir, name)));
  if (!managed.some((folder) => target.startsWith(folder + path.sep))) return;
  throw usageError(
    'OUTPUT_INSIDE_HOME',
    `${outDir} lies in a part of Graft's data folder that Graft itself clears; choose another folder, for example ` +
      `one in ${path.join(homeDir, 'exports')}.`,
    { path: outDir },
  );
}

function folderExists(outDir: string) {
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

/** Undefined where the files that are read cannot be: the work itself will say why. */
export async function neededBytes({
  kind,
  modelDir,
  adapterDir,
  dtype,
}: {
  kind?: ExportRecord['kind'] | undefined;
  modelDir: string;
  adapterDir: string;
  dtype?: DtypeName | undefined;
}): Promise<number | undefined> {
  try {
    const files = kind === 'adapter' ? adapterFiles(adapterDir) : await look('mergedFiles', [modelDir, dtype]);
    return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  } catch {
    return undefined;
  }
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
