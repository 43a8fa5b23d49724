/** Whether the file of a dataset's version is still what it was. */
import type { DatasetVersion } from '../../catalog/datasetVersions.ts';
import { factsOf } from '../../datasets/fileIdentity.ts';
import type { DatasetFiles } from '../../datasets/datasetFiles.ts';

export type FileState = 'same' | 'changed' | 'missing';

/** Size and time, by which a changed file is noticed without reading it. */
export function fileFacts(file: string): { sizeBytes: number | null; modifiedMs: number | null } {
  return factsOf(file);
}

export async function fileState(files: DatasetFiles, version: DatasetVersion): Promise<FileState> {
  const { file, hash, sizeBytes, modifiedMs } = version;
  const now = fileFacts(file);
  if (now.sizeBytes === null) return 'missing';
  if (now.sizeBytes === sizeBytes && now.modifiedMs === modifiedMs) return 'same';
  if (sizeBytes !== null && now.sizeBytes !== sizeBytes) return 'changed';
  // Touched or copied back: only the content tells. A file that cannot be read as rows any more has changed.
  const found = await files.index(version).catch(() => undefined);
  return found?.sha256 === hash ? 'same' : 'changed';
}
