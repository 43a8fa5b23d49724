/**
 * The cache of Hugging Face's own tools, in their layout, so that Python finds what Graft fetched and the other way
 * round: `models--OWNER--NAME/` with `blobs/HASH`, `refs/REVISION` (a file with the commit) and
 * `snapshots/COMMIT/PATH`, links to the blobs.
 * https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readForeignText } from '../files/foreignFile.ts';
import { makeFolders } from '../files/makeFolders.ts';
import { syncFolder, writeFileAtomic } from '../files/writeWhole.ts';

export const COMMIT = /^[0-9a-f]{40}$/;

/** HF_HUB_CACHE, else `hub` in HF_HOME, else in huggingface's folder of the user's cache. */
export function hubCacheDir(env: NodeJS.ProcessEnv = process.env, home = os.homedir()): string {
  const given = env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'];
  return given ? expanded(given, home) : path.join(huggingFaceDir(env, home), 'hub');
}

/** Where Hugging Face's tools keep everything, their token too. */
export function huggingFaceDir(env: NodeJS.ProcessEnv = process.env, home = os.homedir()): string {
  const given = env['HF_HOME'];
  return given
    ? expanded(given, home)
    : path.join(expanded(env['XDG_CACHE_HOME'] || path.join(home, '.cache'), home), 'huggingface');
}

function expanded(dir: string, home: string): string {
  return path.resolve(dir.replace(/^~(?=$|[\\/])/, home));
}

/** The folders of one repository in the cache. */
export class CachedRepository {
  readonly dir: string;

  constructor(cacheDir: string, repository: string) {
    this.dir = path.join(cacheDir, `models--${repository.replace('/', '--')}`);
  }

  blob(hash: string): string {
    return path.join(this.dir, 'blobs', hash);
  }

  /** A part of a file, kept so that the next try goes on with it. */
  part(hash: string): string {
    return `${this.blob(hash)}.graft.incomplete`;
  }

  snapshot(commit: string): string {
    return path.join(this.dir, 'snapshots', commit);
  }

  /** The commit that a revision named when it was last fetched. */
  commitOf(revision: string): string | undefined {
    if (COMMIT.test(revision)) return revision;
    try {
      const commit = readForeignText(path.join(this.dir, 'refs', ...revision.split('/')), 1024).trim();
      return COMMIT.test(commit) ? commit : undefined;
    } catch {
      return undefined;
    }
  }

  keepRef(revision: string, commit: string): void {
    if (COMMIT.test(revision) || this.commitOf(revision) === commit) return;
    const file = path.join(this.dir, 'refs', ...revision.split('/'));
    makeFolders(path.dirname(file));
    writeFileAtomic(file, commit);
  }

  /** Whether a file of a commit is here, whole: its size is what the hub says. */
  has(commit: string, name: string, sizeBytes: number): boolean {
    return sizeOf(path.join(this.snapshot(commit), ...name.split('/'))) === sizeBytes;
  }

  hasBlob(hash: string, sizeBytes: number): boolean {
    return sizeOf(this.blob(hash)) === sizeBytes;
  }

  /**
   * Puts a blob into a commit's folder: a link where the system makes links, else the file itself, as Hugging Face's
   * library does. `isNew`: fetched just now, so that nothing else refers to it.
   */
  place(hash: string, commit: string, name: string, { isNew, link = fs.symlinkSync }: PlaceOptions): void {
    const target = path.join(this.snapshot(commit), ...name.split('/'));
    makeFolders(path.dirname(target));
    fs.rmSync(target, { force: true });
    const blob = this.blob(hash);
    try {
      link(path.relative(path.dirname(target), blob), target);
    } catch {
      if (isNew) fs.renameSync(blob, target);
      else fs.copyFileSync(blob, target, fs.constants.COPYFILE_FICLONE);
    }
    syncFolder(path.dirname(target));
  }
}

export interface PlaceOptions {
  isNew: boolean;
  link?: (target: string, from: string) => void;
}

/** -1 for what is no file. */
export function sizeOf(file: string): number {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size : -1;
}
