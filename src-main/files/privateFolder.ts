/** What lies in the data folder is for its user alone: rows of datasets, prompts, the token of the web host. */
import fs from 'node:fs';

/**
 * Takes the rights of group and others away from a folder or file of ours; what is not there is left. A folder that
 * many users share (the sticky bit of /tmp) or that belongs to another stays as it is. Without effect on Windows.
 */
export function makePrivate(target: string): void {
  if (process.platform === 'win32') return;
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (!stat || stat.uid !== process.getuid?.() || (stat.mode & 0o1000) !== 0 || (stat.mode & 0o077) === 0) return;
  fs.chmodSync(target, stat.mode & 0o700);
}
