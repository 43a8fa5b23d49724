/** Whether the file of a dataset's version is still what it was. */
import fs from 'node:fs';
import type { DatasetVersion } from '../../catalog/datasetVersions.ts';
import type { DatasetFiles } from '../../datasets/datasetFiles.ts';

export type FileState = 'same' | 'changed' | 'missing';

/** Size and time, by which a changed file is noticed without reading it. */
export function fileFacts(file: string): { sizeBytes: number | null; modifiedMs: number | null } {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return { sizeBytes: stat?.size ?? null, modifiedMs: stat?.mtimeMs ?? null };
}

export async function fileState(
  files: DatasetFiles,
  { file, format, hash, sizeBytes, modifiedMs }: DatasetVersion,
): Promise<FileState> {
  const now = fileFacts(file);
  if (now.sizeBytes === null) return 'missing';
  if (now.sizeBytes === sizeBytes && now.modifiedMs === modifiedMs) return 'same';
  if (sizeBytes !== null && now.sizeBytes !== sizeBytes) return 'changed';
  // Touched or copied back: only the content tells. A file that cannot be read as rows any more has changed.
  const found = await files.index(file, format).catch(() => undefined);
  return found?.sha256 === hash ? 'same' : 'changed';
}
