/** Tells without reading it whether a file is still what it was. */
import fs from 'node:fs';
import path from 'node:path';

/** Path, size and time of a file: another content has another. */
export function fileIdentity(file: string): string {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return `${path.resolve(file)}|${stat?.size ?? ''}|${stat?.mtimeMs ?? ''}|${stat?.ino ?? ''}`;
}
