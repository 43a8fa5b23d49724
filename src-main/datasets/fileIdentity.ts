/** Tells without reading it whether a file, or a folder of files, is still what it was. */
import fs from 'node:fs';
import path from 'node:path';
import { folderFacts } from './readers/folder.ts';

/** Path, size and time of a file: another content has another. */
export function fileIdentity(file: string): string {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return `${path.resolve(file)}${folderFacts(file).key}`;
  return `${path.resolve(file)}|${stat?.size ?? ''}|${stat?.mtimeMs ?? ''}|${stat?.ino ?? ''}`;
}

/** Size and time of a file, or of all files of a folder together; null where there is none. */
export function factsOf(file: string): { sizeBytes: number | null; modifiedMs: number | null } {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return { sizeBytes: stat?.size ?? null, modifiedMs: stat?.mtimeMs ?? null };
  const { sizeBytes, modifiedMs } = folderFacts(file);
  return { sizeBytes, modifiedMs };
}
