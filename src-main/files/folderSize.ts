/** How much a folder holds, counted without blocking the process. */
import fs from 'node:fs/promises';
import path from 'node:path';

export interface FolderSize {
  sizeBytes: number;
  files: number;
}

/**
 * All files below `target`, or the file itself; links count as themselves. What vanishes meanwhile counts as nothing.
 */
export async function folderSize(target: string): Promise<FolderSize> {
  const stat = await fs.lstat(target).catch(() => undefined);
  if (!stat) return { sizeBytes: 0, files: 0 };
  if (!stat.isDirectory()) return { sizeBytes: stat.size, files: 1 };
  const total = { sizeBytes: 0, files: 0 };
  for (const name of await fs.readdir(target).catch(() => [])) {
    const { sizeBytes, files } = await folderSize(path.join(target, name));
    total.sizeBytes += sizeBytes;
    total.files += files;
  }
  return total;
}

export async function sizeOfAll(targets: string[]): Promise<FolderSize> {
  const total = { sizeBytes: 0, files: 0 };
  for (const target of targets) {
    const { sizeBytes, files } = await folderSize(target);
    total.sizeBytes += sizeBytes;
    total.files += files;
  }
  return total;
}
