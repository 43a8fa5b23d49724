/** A repository's files into the cache: the plan first, then the files one after the other. */
import type { PullPlan } from '../../src-shared/pulls.ts';
import { GraftError } from '../../src-shared/errors.ts';
import { diskFullError, freeBytesAt } from '../files/freeSpace.ts';
import fs from 'node:fs';
import path from 'node:path';
import { CachedRepository, COMMIT, sizeOf } from './cache.ts';
import { chooseFiles, type Choice } from './choose.ts';
import { PATIENCE, throwIfCancelled, wrongAnswer, type Connection, type Patience } from './connection.ts';
import { downloadBlob } from './download.ts';
import { lockRepository } from './lock.ts';
import { readRepository, type HubFile, type HubRepository } from './repository.ts';
import type { HubSource } from './source.ts';

export interface PullOptions {
  endpoint: string;
  token: string | undefined;
  cacheDir: string;
  /** Asks nobody: what is in the cache, or nothing. */
  offline?: boolean;
  signal?: AbortSignal | undefined;
  patience?: Patience;
}

/** A plan with the hashes that it needs to be carried out. */
export interface PullWork {
  plan: PullPlan;
  files: HubFile[];
}

/**
 * What is to be fetched. A commit that is here whole needs no request; where the hub is out of reach, or not to be
 * asked, what was fetched before is taken. Throws HUB_*, CANCELLED.
 */
export async function planPull(source: HubSource, options: PullOptions): Promise<PullWork> {
  const cached = new CachedRepository(options.cacheDir, source.repository);
  const here = hereAlready(source, cached);
  if (here && (options.offline || COMMIT.test(source.revision))) return offlineWork(source, options, here);
  if (options.offline)
    throw new GraftError(
      'HUB_UNREACHABLE',
      `${source.repository} is not in ${options.cacheDir}, and the hub was not asked; fetch it with a network.`,
      { repository: source.repository },
    );
  let known: HubRepository;
  try {
    known = await readRepository(connectionFor(source, options), source);
  } catch (error) {
    if (here && error instanceof GraftError && error.code === 'HUB_UNREACHABLE')
      return offlineWork(source, options, here);
    throw error;
  }
  const { kind, files } = chooseFiles(source.repository, known.files, source.file);
  return { files, plan: planFor(source, options, { ...known, kind, files, offline: false }) };
}

function planFor(
  { repository, revision, file }: HubSource,
  { cacheDir, endpoint }: PullOptions,
  found: Omit<HubRepository, 'files'> & Choice<HubFile> & { offline: boolean },
): PullPlan {
  const { commit, licence, gated, kind, offline } = found;
  const cached = new CachedRepository(cacheDir, repository);
  const files = found.files.map(({ name, sizeBytes, hash }) => ({
    name,
    sizeBytes,
    here: cached.has(commit, name, sizeBytes) || cached.hasBlob(hash.hex, sizeBytes),
    partBytes: Math.max(0, sizeOf(cached.part(hash.hex))),
  }));
  return {
    repository,
    revision,
    commit,
    file: file ?? null,
    kind,
    licence,
    gated,
    page: `${endpoint}/${repository}`,
    files: files.map(({ partBytes: _, ...rest }) => rest),
    totalBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    missingBytes: files.reduce(
      (sum, { here, sizeBytes, partBytes }) => sum + (here ? 0 : Math.max(0, sizeBytes - partBytes)),
      0,
    ),
    freeBytes: freeBytesAt(cacheDir),
    dir: cached.snapshot(commit),
    offline,
  };
}

/** The commit in the cache and its files, where they are all that is needed. */
function hereAlready({ repository, revision, file }: HubSource, cached: CachedRepository) {
  const commit = cached.commitOf(revision);
  if (commit === undefined) return undefined;
  try {
    const dir = cached.snapshot(commit);
    const folder = file === undefined ? '' : path.posix.dirname(file);
    const names = fs.readdirSync(path.join(dir, folder)).map((name) => path.posix.join(folder, name));
    const all = names
      .map((name) => ({ name, sizeBytes: sizeOf(path.join(dir, name)), hash: NO_HASH }))
      .filter(({ sizeBytes }) => sizeBytes >= 0);
    return { commit, ...chooseFiles(repository, all, file) };
  } catch {
    return undefined;
  }
}

/** Of files that are here, and that nobody fetches. */
const NO_HASH: HubFile['hash'] = { algorithm: 'sha256', hex: '' };

function offlineWork(
  source: HubSource,
  options: PullOptions,
  here: NonNullable<ReturnType<typeof hereAlready>>,
): PullWork {
  return { files: [], plan: planFor(source, options, { ...here, licence: null, gated: false, offline: true }) };
}

export interface PullHooks {
  /** Bytes of all files that are here, and the file that is fetched now. */
  onProgress(doneBytes: number, file: string): void;
  /** Before the first large file, once the small ones are in `dir`; may throw. */
  beforeWeights?(dir: string): Promise<void>;
}

/** A small file says what a large one is. */
const SMALL_BYTES = 32 << 20;

/** Carries a plan out. Throws HUB_*, DISK_FULL, CANCELLED; what came is kept. */
export async function runPull({ plan, files }: PullWork, options: PullOptions, hooks: PullHooks): Promise<void> {
  if (plan.offline) return;
  const cached = new CachedRepository(options.cacheDir, plan.repository);
  const unlock = lockRepository(cached.dir);
  try {
    if (plan.freeBytes !== null && plan.missingBytes > plan.freeBytes)
      throw diskFullError(cached.dir, plan.missingBytes, plan.freeBytes);
    const hub = connectionFor({ ...plan, file: plan.file ?? undefined }, options);
    let before = 0;
    let asked = false;
    for (const file of files) {
      throwIfCancelled(hub);
      if (!asked && file.sizeBytes > SMALL_BYTES) {
        asked = true;
        await hooks.beforeWeights?.(plan.dir);
      }
      const base = before;
      hooks.onProgress(base, file.name);
      await fetchFile(hub, cached, plan.commit, file, (done) => hooks.onProgress(base + done, file.name));
      before += file.sizeBytes;
      hooks.onProgress(before, file.name);
    }
    cached.keepRef(plan.revision, plan.commit);
  } finally {
    unlock();
  }
}

async function fetchFile(
  hub: Connection,
  cached: CachedRepository,
  commit: string,
  file: HubFile,
  onProgress: (done: number) => void,
): Promise<void> {
  const { name, sizeBytes, hash } = file;
  if (cached.has(commit, name, sizeBytes)) return;
  const isNew = !cached.hasBlob(hash.hex, sizeBytes);
  if (isNew) await downloadBlob({ hub, cached, commit, file, onProgress });
  cached.place(hash.hex, commit, name, { isNew });
  if (!cached.has(commit, name, sizeBytes)) throw wrongAnswer(hub, `sent ${name} with another size`);
}

/** Removes the parts of files that were not fetched to their end. */
export function discardParts({ repository }: Pick<HubSource, 'repository'>, cacheDir: string): void {
  const { dir } = new CachedRepository(cacheDir, repository);
  const unlock = lockRepository(dir);
  try {
    const blobs = path.join(dir, 'blobs');
    for (const name of fs.existsSync(blobs) ? fs.readdirSync(blobs) : [])
      if (name.endsWith('.graft.incomplete')) fs.rmSync(path.join(blobs, name), { force: true });
  } finally {
    unlock();
  }
}

function connectionFor({ repository, revision }: HubSource, options: PullOptions): Connection {
  const { endpoint, token, signal, patience = PATIENCE } = options;
  return { endpoint, token, signal, patience, asked: { repository, revision, what: repository } };
}
