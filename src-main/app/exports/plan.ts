/**
 * What an export would write, how large, whether it fits on the disk, and what stands in its way: all before it starts.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import { toErrorData, usageError, type ErrorData } from '../../../src-shared/errors.ts';
import { certificateBeside, isOneFile } from '../../../src-shared/exportFormats.ts';
import { MANAGED_FOLDERS } from '../storage/home.ts';
import { refuseLinkToNowhere } from '../../files/refuseLinkToNowhere.ts';
import { realPath } from '../../files/realPath.ts';
import { diskFullError, freeBytesAt } from '../../files/freeSpace.ts';
import { look } from '../looking/look.ts';
import { CARD_BYTES, CARD_FILE } from './card.ts';
import { refuseCombination } from './combination.ts';
import type { PlannedFile } from './mergedFiles.ts';
import { obstacle, type ScaledAdapter } from './obstacle.ts';
import type { ExportRequest, PlannedExport } from './request.ts';

export interface ExportPlan extends PlannedExport {
  /** Absolute. */
  outDir: string;
  totalBytes: number;
  /** Where `outDir` would lie; null where the system does not say. */
  freeBytes: number | null;
  /** Why it cannot be done like this. */
  problem: ErrorData | null;
}

/** Never throws for what is wrong with the request: that is `problem`. */
export async function planExport(
  catalog: Catalog,
  homeDir: string,
  { adapters, modelDir, request }: { adapters: ScaledAdapter[]; modelDir: string | undefined; request: ExportRequest },
): Promise<ExportPlan> {
  const { outDir } = request;
  const freeBytes = freeBytesAt(outDir);
  let planned: PlannedExport = { files: [], notes: [] };
  let problem = problemOf(() => refuseCombination(request)) ?? obstacle(catalog, { ...request, adapters, modelDir });
  try {
    if (modelDir !== undefined || request.format === 'peft') planned = await lookAt(request);
  } catch (error) {
    problem ??= toErrorData(error);
  }
  const totalBytes = bytesOf(planned.files);
  problem ??= problemOf(() => assertNew(request, homeDir));
  if (freeBytes !== null && totalBytes > freeBytes) problem ??= diskFullError(outDir, totalBytes, freeBytes).toData();
  return { outDir, ...planned, totalBytes, freeBytes, problem };
}

function problemOf(check: () => void): ErrorData | null {
  try {
    check();
    return null;
  } catch (error) {
    return toErrorData(error);
  }
}

/** With the card that every folder gets: see withCard in write.ts. */
async function lookAt(request: ExportRequest): Promise<PlannedExport> {
  const { format, adapterDir, tasks, modelDir, outDir, dtype, quantise, maxShardBytes, rows } = request;
  // A thread takes plain data only.
  const asked = { format, adapterDir, tasks, modelDir, outDir, dtype, quantise, maxShardBytes, rows };
  const planned = await look('plannedExport', [asked]);
  const hasOwn = format === 'peft' && planned.files.some(({ name }) => name === CARD_FILE);
  if (hasOwn || isOneFile(request)) return planned;
  const others = planned.files.filter(({ name }) => name !== CARD_FILE);
  return { ...planned, files: [...others, { name: CARD_FILE, sizeBytes: CARD_BYTES }] };
}

function bytesOf(files: PlannedFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Throws as assertNewFolder; of one file also where its certificate would overwrite something. */
export function assertNew(request: Pick<ExportRequest, 'format' | 'outDir'>, homeDir: string): void {
  assertNewFolder(request.outDir, homeDir);
  if (isOneFile(request)) assertNewFolder(certificateBeside(request.outDir), homeDir);
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

/** Undefined where the files that are read cannot be: the work itself will say why. */
export async function plannedFor(request: ExportRequest): Promise<PlannedExport | undefined> {
  try {
    return await lookAt(request);
  } catch {
    return undefined;
  }
}

/** Bytes on the disk. Undefined as plannedFor. */
export async function neededBytes(request: ExportRequest): Promise<number | undefined> {
  const planned = await plannedFor(request);
  return planned && bytesOf(planned.files);
}
