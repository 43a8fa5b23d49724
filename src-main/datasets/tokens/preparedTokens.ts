/**
 * The tokenised rows of a file of any size: those of a small one in memory, those of a large one in a file in the
 * cache, which threads write where it is not there.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { prepareDataset, type PreparedDataset } from '../dataset.ts';
import { factsOf } from '../fileIdentity.ts';
import type { RowList } from './rowList.ts';
import { sampledRows, type SampledRows } from './sampledRows.ts';
import {
  hasSuchTokens,
  keepHash,
  knownFile,
  knownHash,
  openTokens,
  reserve,
  tokenCacheDir,
  tokenFileOf,
} from './tokenCache.ts';
import type { CachedRows } from './tokenCache.ts';
import { tokeniseFile, type OnTokenised, type TokenisedFacts, type TokeniseOptions } from './tokeniseFile.ts';
import type { ThreadRules } from './tokenThreads.ts';
import { earlyRows, whyNotEarly, type EarlyRows } from './earlyRows.ts';
import { TokenFileWriter } from './tokenFile.ts';
import { idBytesFor } from './tokenRecord.ts';

/** Files up to this many bytes are tokenised where they are needed, in a second or two. */
export const IN_MEMORY_BYTES = 4 << 20;
/** Files of more bytes take so long to be tokenised that a run had better begin before. */
export const EARLY_BYTES = 32 << 20;
/** Bytes of tokens for each of a file: a token of two bytes stands for four characters, what frames it aside. */
const TOKENS_SHARE = 0.75;

/** With `close`, which gives the file back; rows that are in memory need none. */
export type PreparedTokens = PreparedDataset<RowList> & {
  close: () => void;
  /** Of a large file that has not been tokenised: rows that were read, and whether it has been by now. */
  sample?: SampledRows['sample'] & { isOutdated: () => boolean };
  /**
   * Of rows that are tokenised as they are asked for, of whose lengths nothing is known yet: tokenises all of them
   * into the cache, from where they come thereafter. Throws what prepareTokens throws, or CANCELLED after `close`.
   */
  rest?: () => Promise<TokenisedFacts>;
};

export interface TokensWanted {
  onTokenised?: OnTokenised;
  /** Called with rows and bytes of a file that is only looked through. */
  onLooked?: OnTokenised;
  /** Bytes up to which a file is read into memory. */
  inMemoryBytes?: number;
  /** Bytes above which rows may be tokenised as they are asked for; absent: they are all tokenised first. */
  earlyBytes?: number;
  /** Why all rows have to be tokenised first whatever the file. */
  needsAll?: string | undefined;
  /** Why a file of more has to be tokenised first all the same. */
  onWait?: (why: string) => void;
}

/** Throws what prepareDataset throws, or DISK_FULL. */
export async function prepareTokens(options: TokeniseOptions, wanted: TokensWanted = {}): Promise<PreparedTokens> {
  const { onTokenised = ignored, inMemoryBytes = IN_MEMORY_BYTES, earlyBytes = Infinity, needsAll } = wanted;
  if (!isLarge(options.file, inMemoryBytes)) return inMemory(options);
  const kept = await cachedRows(options);
  if (kept) return fromFile(options.file, kept);
  if (isLarge(options.file, earlyBytes)) {
    const why = needsAll ?? (await whyNotEarly(options));
    if (why === undefined) return early(options, await earlyRows(options, wanted.onLooked ?? ignored));
    wanted.onWait?.(why);
  }
  return fromFile(options.file, await newRows(options, onTokenised));
}

/** The rows in the cache, whatever their number; to be closed. */
export async function prepareFile(options: TokeniseOptions, onTokenised: OnTokenised = ignored): Promise<CachedRows> {
  return (await cachedRows(options)) ?? (await newRows(options, onTokenised));
}

/** The same for a first look: of a large file that has not been tokenised yet, what a sample of its rows tells. */
export async function tokensOrSample(
  options: TokeniseOptions,
  { inMemoryBytes = IN_MEMORY_BYTES }: Pick<TokensWanted, 'inMemoryBytes'> = {},
): Promise<PreparedTokens> {
  if (!isLarge(options.file, inMemoryBytes)) return inMemory(options);
  const rows = keptRows(options);
  if (rows) return fromFile(options.file, rows);
  const { sample, ...sampled } = await sampledRows(options);
  return { ...sampled, sample: { ...sample, isOutdated: () => isKept(options) }, close: () => undefined };
}

/** Of a file that has not changed since it was tokenised. */
function keptRows(options: TokeniseOptions): CachedRows | null {
  const sha256 = knownHash(options);
  return sha256 === undefined ? null : openTokens(sha256, options);
}

function isKept(options: TokeniseOptions): boolean {
  const sha256 = knownHash(options);
  return sha256 !== undefined && fs.existsSync(tokenFileOf(sha256, options));
}

function isLarge(file: string, inMemoryBytes: number): boolean {
  return (factsOf(file).sizeBytes ?? 0) > inMemoryBytes;
}

async function inMemory(options: TokeniseOptions): Promise<PreparedTokens> {
  return { ...(await prepareDataset(options)), close: () => undefined };
}

function fromFile(file: string, rows: CachedRows): PreparedTokens {
  return { ...rows.own, file, examples: rows, close: () => rows.close() };
}

/** Tokenises the rest in one thread: the others are wanted by whoever reads rows meanwhile. */
function early(options: TokeniseOptions, { rows, facts }: { rows: EarlyRows; facts: TokenisedFacts }): PreparedTokens {
  const stop = new AbortController();
  let whole: Promise<TokenisedFacts> | undefined;
  const finish = async (): Promise<TokenisedFacts> => {
    const kept = await newRows(options, ignored, { signal: stop.signal, atMost: 1 });
    rows.comeFrom(kept);
    return kept.own;
  };
  return {
    ...facts,
    // Of those rows alone that had to be tokenised to know whether they are good.
    controlTokenRows: 0,
    file: options.file,
    examples: rows,
    rest: () => (whole ??= finish()),
    close: () => {
      stop.abort();
      rows.close();
    },
  };
}

function ignored(): void {
  // Nobody wants to know.
}

/** Null where they are not kept. */
async function cachedRows(options: TokeniseOptions): Promise<CachedRows | null> {
  if (!hasSuchTokens(options)) return null;
  const before = knownFile(options);
  const known = knownHash(options);
  if (known !== undefined) return openTokens(known, options);
  // Touched, copied or moved: only its content tells. That of a folder is known once its files have been read.
  if (!fs.statSync(options.file).isFile()) return null;
  const sha256 = await hashOf(options.file);
  keepHash(options, before, sha256);
  return openTokens(sha256, options);
}

async function newRows(
  options: TokeniseOptions,
  onTokenised: OnTokenised,
  threads: ThreadRules = {},
): Promise<CachedRows> {
  const idBytes = idBytesFor(options.tokenizer.vocabSize);
  const { sizeBytes } = factsOf(options.file);
  reserve((idBytes / 2) * TOKENS_SHARE * (sizeBytes ?? 0), options.file);
  const before = knownFile(options);
  const newWriter = (): TokenFileWriter => new TokenFileWriter(tokenCacheDir());
  const { writer, facts, classOf } = await tokeniseFile(options, newWriter, { onTokenised, ...threads });
  try {
    writer.finish(tokenFileOf(facts.sha256, options), { idBytes, classOf, own: facts });
  } catch (error) {
    writer.discard();
    throw error;
  }
  keepHash(options, before, facts.sha256);
  const rows = openTokens(facts.sha256, options);
  if (!rows) throw new Error('the tokens that were written cannot be read');
  return rows;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of fs.createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(bytes as Uint8Array);
  return hash.digest('hex');
}
