/**
 * Reference data that lives beside the repository, not in it (`../shared`, or GRAFT_SHARED): PyTorch goldens and
 * pretrained checkpoints. Tests that need them skip with one clear line where they are absent.
 */
import fs from 'node:fs';
import path from 'node:path';

const root = process.env['GRAFT_SHARED'] ?? path.resolve(import.meta.dirname, '../../../shared');

/** Absolute path of a file or folder of the reference data. */
export function sharedPath(relative: string): string {
  return path.join(root, relative);
}

export function hasShared(relative: string): boolean {
  return fs.existsSync(sharedPath(relative));
}

/** For a test's title: says why it is skipped. */
export function skipNote(relative: string): string {
  return hasShared(relative) ? '' : ` (skipped: no ${relative} beside the repository; set GRAFT_SHARED)`;
}
