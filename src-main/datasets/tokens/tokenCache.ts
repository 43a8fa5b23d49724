/**
 * Tokenised files, kept in Graft's cache folder so that the next run on them begins at once: one for each content of a
 * file, tokenizer and way to read and tokenise its rows. All of it may go at any time; the least recently used go by
 * themselves once there is more than a bound.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../../src-shared/errors.ts';
import { cacheFolder } from '../../files/cacheFolder.ts';
import { freeBytesAt, sizeText } from '../../files/freeSpace.ts';
import { isAlive } from '../../files/isAlive.ts';
import { ownerOfTemporary, writeFileAtomic } from '../../files/writeWhole.ts';
import { fileIdentity } from '../fileIdentity.ts';
import { tokenizerHash } from '../tokenizerFiles.ts';
import type { TokenisedFacts, TokeniseOptions } from './tokeniseFile.ts';
import { TokenFile } from './tokenFile.ts';

/** To be raised whenever rows come to other tokens, labels, groups or sentences than before. */
const MADE_BY = 2;
const LIMIT_BYTES = 40e9;
/** Of the disk that other programs can count on. */
const LEFT_FREE_BYTES = 2e9;
/** A file that was written this shortly before it was read may have been written once more since, at the same time. */
const SETTLED_MS = 2000;

const NAME = /^[0-9a-f]{64}-[0-9a-f]{16}\.tokens$/;

export function tokenCacheDir(): string {
  return path.join(cacheFolder(), 'tokens');
}

export type CachedRows = TokenFile<TokenisedFacts>;

/** Where the tokens of a file with this content lie. */
export function tokenFileOf(sha256: string, options: TokeniseOptions, dir = tokenCacheDir()): string {
  return path.join(dir, `${sha256}-${waysOf(options)}.tokens`);
}

/** Everything but the content of the file that decides what its rows come to. */
function waysOf(options: TokeniseOptions): string {
  const {
    format,
    part,
    noHeader,
    map = {},
    lossOn,
    maxLength,
    controlTokens,
    vocab,
    classify,
    labels,
    modelDir,
    promptTemplate,
    ownTemplate,
    keptTemplate,
    answers,
  } = options;
  const mapped = Object.entries(map).sort();
  const read = [format ?? null, part ?? null, noHeader ?? false, mapped];
  const made = [
    lossOn ?? 'completion',
    maxLength,
    controlTokens ?? false,
    vocab ?? null,
    classify ?? false,
    labels ?? null,
    ...(promptTemplate === undefined && !keptTemplate
      ? []
      : [promptTemplate ?? null, ownTemplate ?? null, keptTemplate ?? null]),
    ...(answers === undefined ? [] : [{ answers }]),
  ];
  const all = JSON.stringify([MADE_BY, read, made, tokenizerHash(modelDir)]);
  return createHash('sha256').update(all).digest('hex').slice(0, 16);
}

/** Opens it, and counts it as used now; null where there is none. What is damaged is removed. */
export function openTokens(sha256: string, options: TokeniseOptions): CachedRows | null {
  const file = tokenFileOf(sha256, options);
  const opened = TokenFile.open<TokenisedFacts>(file);
  if (opened === 'damaged') fs.rmSync(file, { force: true });
  if (opened === 'damaged' || opened === null) return null;
  try {
    const now = new Date();
    fs.utimesSync(file, now, now);
  } catch {
    // A cache that can only be read is read all the same.
  }
  return opened;
}

/** Whether anything was tokenised in this way: only then it is worth knowing what is in a file. */
export function hasSuchTokens(options: TokeniseOptions): boolean {
  const end = `-${waysOf(options)}.tokens`;
  return keptFiles().some(({ file }) => file.endsWith(end));
}

/** Sha-256 of a file that has not changed since it was last hashed. */
export function knownHash(options: TokeniseOptions): string | undefined {
  try {
    const text = fs.readFileSync(knownFile(options), 'latin1').trim();
    return /^[0-9a-f]{64}$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** `before`: where the hash is to be kept, asked for before the file was read; a file that changed has another. */
export function keepHash(options: TokeniseOptions, before: string, sha256: string): void {
  const modifiedMs = fs.statSync(options.file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
  if (knownFile(options) !== before || Date.now() - modifiedMs < SETTLED_MS) return;
  try {
    fs.mkdirSync(path.dirname(before), { recursive: true });
    writeFileAtomic(before, sha256);
  } catch {
    // It is hashed again the next time.
  }
}

export function knownFile({ file, part }: TokeniseOptions): string {
  const name = createHash('sha256')
    .update(JSON.stringify([fileIdentity(file), part ?? null]))
    .digest('hex');
  return path.join(tokenCacheDir(), 'known', name.slice(0, 32));
}

/** Makes room for about `bytes`. Throws DISK_FULL. */
export function reserve(bytes: number, file: string): void {
  const dir = tokenCacheDir();
  fs.mkdirSync(dir, { recursive: true });
  sweep();
  const kept = keptFiles().sort((a, b) => a.usedMs - b.usedMs);
  let held = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const lacks = (): boolean => held + bytes > LIMIT_BYTES || (freeBytesAt(dir) ?? Infinity) < bytes + LEFT_FREE_BYTES;
  for (const one of kept) {
    if (!lacks()) break;
    fs.rmSync(one.file, { force: true });
    held -= one.sizeBytes;
  }
  const free = freeBytesAt(dir);
  if (free === null || free >= bytes + LEFT_FREE_BYTES) return;
  throw new GraftError(
    'DISK_FULL',
    `The tokens of ${file} need about ${sizeText(bytes)} in ${dir}, whose disk has ${sizeText(free)} free; free some ` +
      'space there, or choose another disk with GRAFT_CACHE.',
    { path: dir },
  );
}

/** Removes what is kept of files with these contents. */
export function forgetTokens(hashes: Iterable<string>): void {
  const gone = new Set(hashes);
  for (const { file } of keptFiles()) if (gone.has(path.basename(file).slice(0, 64))) fs.rmSync(file, { force: true });
}

/** Removes what processes that are gone left half-written. */
function sweep(): void {
  const dir = tokenCacheDir();
  for (const name of namesIn(dir)) {
    const pid = ownerOfTemporary(name);
    if (pid !== undefined && pid !== process.pid && !isAlive(pid)) fs.rmSync(path.join(dir, name), { force: true });
  }
}

function keptFiles(): { file: string; sizeBytes: number; usedMs: number }[] {
  const dir = tokenCacheDir();
  return namesIn(dir)
    .filter((name) => NAME.test(name))
    .flatMap((name) => {
      const file = path.join(dir, name);
      const stat = fs.statSync(file, { throwIfNoEntry: false });
      return stat ? [{ file, sizeBytes: stat.size, usedMs: stat.mtimeMs }] : [];
    });
}

function namesIn(dir: string): string[] {
  try {
    return fs.readdirSync(dir);
  } catch {
    return [];
  }
}
