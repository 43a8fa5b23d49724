/** What the hub says of a repository: commit, licence, files with their hashes. Everything is checked before use. */
import { posix } from 'node:path';
import { z } from 'zod';
import { GraftError } from '../../src-shared/errors.ts';
import { shownValue } from '../../src-shared/shownValue.ts';
import { COMMIT } from './cache.ts';
import { fetchFor, wrongAnswer, type Connection } from './connection.ts';
import { isSafePath, type HubSource } from './source.ts';

/** A file as the hub's tree lists it. `blob` is its name in the cache. */
export interface HubFile {
  name: string;
  sizeBytes: number;
  /** sha256 of the content of large files, git's sha1 of the others (over `blob SIZE\0` and the content). */
  hash: { algorithm: 'sha256' | 'git-sha1'; hex: string };
}

export interface HubRepository {
  commit: string;
  licence: string | null;
  gated: boolean;
  files: HubFile[];
}

const MOST_FILES = 10_000;
const MOST_BYTES = 2 ** 50;

const infoSchema = z.object({
  sha: z.string().regex(COMMIT),
  gated: z.unknown(),
  cardData: z.unknown().optional(),
});
const sizeSchema = z.number().int().min(0).max(MOST_BYTES);
const fileSchema = z.object({
  path: z.string(),
  size: sizeSchema,
  oid: z.string().regex(COMMIT),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: sizeSchema }).optional(),
});

/**
 * Asks for a revision and lists the folder that matters: the root, or that of the file that is named.
 * Throws HUB_* and CANCELLED.
 */
export async function readRepository(
  hub: Connection,
  { repository, revision, file }: HubSource,
): Promise<HubRepository> {
  const { modelInfo, listFiles } = await import('@huggingface/hub');
  const common = { hubUrl: hub.endpoint, fetch: fetchFor(hub) };
  const answer: unknown = await read(hub, () =>
    modelInfo({ ...common, name: repository, revision, additionalFields: ['sha', 'cardData'] }),
  );
  const info = infoSchema.safeParse(answer);
  if (!info.success) throw wrongAnswer(hub, `answers about ${repository} without a commit`);
  const { sha: commit, gated, cardData } = info.data;
  const folder = file === undefined ? '.' : posix.dirname(file);
  const files: HubFile[] = [];
  await read(hub, async () => {
    const listed = listFiles({
      ...common,
      repo: { type: 'model', name: repository },
      revision: commit,
      ...(folder === '.' ? {} : { path: folder }),
    });
    for await (const entry of listed) {
      if (files.length >= MOST_FILES) break;
      if (entry.type === 'file') files.push(fileOf(hub, repository, entry));
    }
  });
  return { commit, licence: licenceOf(cardData), gated: gated === 'auto' || gated === 'manual', files };
}

/** Faults of the library itself, such as an answer that is no JSON, as a sentence. */
async function read<T>(hub: Connection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GraftError) throw error;
    throw wrongAnswer(hub, `answers about ${hub.asked.repository} in a form that is not the hub's`);
  }
}

function fileOf(hub: Connection, repository: string, entry: unknown): HubFile {
  const parsed = fileSchema.safeParse(entry);
  if (!parsed.success) throw wrongAnswer(hub, `lists a file of ${repository} without a size or a hash`);
  const { path, size, oid, lfs } = parsed.data;
  if (!isSafePath(path))
    throw new GraftError(
      'HUB_FILE_NAME',
      `${repository} lists a file named ${shownValue(path)}, which may lead out of its folder; nothing was fetched.`,
      { repository, name: path },
    );
  return lfs
    ? { name: path, sizeBytes: lfs.size, hash: { algorithm: 'sha256', hex: lfs.oid } }
    : { name: path, sizeBytes: size, hash: { algorithm: 'git-sha1', hex: oid } };
}

const cardSchema = z.object({
  license: z.union([z.string(), z.array(z.string())]).optional(),
  license_name: z.string().optional(),
});

/** `other` says its name. */
function licenceOf(cardData: unknown): string | null {
  const card = cardSchema.safeParse(cardData);
  if (!card.success) return null;
  const { license, license_name: name } = card.data;
  const text = [license].flat().filter(Boolean).join(', ');
  const shown = name && (text === '' || text === 'other') ? name : text;
  return shown === '' ? null : shown.slice(0, 100);
}
