/**
 * What the lab has found out, kept in the data folder so that a second look costs nothing. A folder per result, named
 * after adapters and tool: `head.json` (what it was computed from, and the result), and `parts.jsonl` with what a page
 * asks for piece by piece, a line each.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import { folderSize } from '../../files/folderSize.ts';
import { writeFolderAtomic } from '../../files/writeWhole.ts';
import type { Home } from '../storage/home.ts';

/** All results together; the one that was looked at longest ago goes first. */
const MOST_BYTES = 256 * 1024 ** 2;
/** Changed where the same question gets another answer. */
const VERSION = 1;
/** Separates ids in a folder's name; no id holds it. */
const BETWEEN = '+';

/** What tells one result from another. */
export interface Asked {
  tool: string;
  adapterIds: string[];
  /** Anything else that was chosen. */
  options: string;
  /** Hashes of the adapters' weights and of the base. */
  hashes: string[];
}

interface Head {
  version: number;
  hashes: string[];
  /** Where each line of `parts.jsonl` begins, and the last one ends. */
  offsets: number[];
  result: unknown;
}

export class KeptResults {
  #home: Home;

  constructor(home: Home) {
    this.#home = home;
  }

  /** Undefined where it has not been computed, or adapters or base have changed since. */
  async read<T>(asked: Asked): Promise<T | undefined> {
    return (await this.#head(asked))?.result as T | undefined;
  }

  /** One of the parts it was written with. */
  async readPart<T>(asked: Asked, index: number): Promise<T | undefined> {
    const head = await this.#head(asked);
    const [from, to] = [head?.offsets[index], head?.offsets[index + 1]];
    if (from === undefined || to === undefined) return undefined;
    const file = await fs.open(path.join(this.#dir(asked), 'parts.jsonl'));
    try {
      const { buffer } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
      return JSON.parse(buffer.toString()) as T;
    } finally {
      await file.close();
    }
  }

  /** Writes it in one step, then makes room. */
  async write(asked: Asked, result: unknown, parts: readonly unknown[] = []): Promise<void> {
    const dir = this.#dir(asked);
    await writeFolderAtomic(
      dir,
      async (temporary) => {
        const offsets = [0];
        const file = await fs.open(path.join(temporary, 'parts.jsonl'), 'wx');
        try {
          for (const part of parts) {
            const { bytesWritten } = await file.write(Buffer.from(`${JSON.stringify(part)}\n`));
            offsets.push(offsets.at(-1)! + bytesWritten);
          }
        } finally {
          await file.close();
        }
        const head: Head = { version: VERSION, hashes: asked.hashes, offsets, result };
        await fs.writeFile(path.join(temporary, 'head.json'), JSON.stringify(head));
      },
      { replace: true },
    );
    await makeRoom(this.#home, MOST_BYTES);
  }

  async #head(asked: Asked): Promise<Head | undefined> {
    const file = path.join(this.#dir(asked), 'head.json');
    try {
      const head = JSON.parse(await fs.readFile(file, 'utf8')) as Head;
      if (head.version !== VERSION || String(head.hashes) !== String(asked.hashes)) return undefined;
      const now = new Date();
      await fs.utimes(file, now, now);
      return head;
    } catch {
      return undefined; // not there, or not readable: it is computed again
    }
  }

  #dir({ tool, adapterIds, options }: Asked): string {
    return path.join(this.#home.labDir, [tool, options, ...adapterIds].filter(Boolean).join(BETWEEN));
  }
}

/** Removes the results that were looked at longest ago until the others fit. */
export async function makeRoom(home: Home, mostBytes: number): Promise<void> {
  const kept = await Promise.all(
    (await names(home)).map(async (name) => {
      const dir = path.join(home.labDir, name);
      const usedMs = (await fs.stat(path.join(dir, 'head.json')).catch(() => undefined))?.mtimeMs ?? 0;
      return { dir, usedMs, ...(await folderSize(dir)) };
    }),
  );
  let total = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const { dir, sizeBytes } of kept.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (total <= mostBytes) return;
    await fs.rm(dir, { recursive: true, force: true });
    total -= sizeBytes;
  }
}

/** Removes the results of adapters that are not in the catalogue any more, not even in the trash. */
export async function removeForgotten(home: Home, { adapters }: Catalog): Promise<void> {
  const known = new Set([...adapters.list(), ...adapters.trash()].map(({ id }) => id));
  for (const name of await names(home)) {
    const ids = name.split(BETWEEN).filter((part) => part.startsWith('adapter-'));
    if (ids.some((id) => !known.has(id))) await fs.rm(path.join(home.labDir, name), { recursive: true, force: true });
  }
}

/** Not what is being written. */
async function names(home: Home): Promise<string[]> {
  return (await fs.readdir(home.labDir).catch(() => [])).filter((name) => !name.startsWith('.'));
}
