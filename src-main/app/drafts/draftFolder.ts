/**
 * A set of drafts on the disk: what it is made of, written once, and every change of a draft behind the one before, so
 * that neither a crash nor a full disk loses more than the last.
 */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { DRAFT_STATES, type Draft, type DraftSource } from '../../../src-shared/drafts.ts';
import { writeFolderAtomic } from '../../files/writeWhole.ts';

const SET = 'set.json';
const CHANGES = 'changes.jsonl';

const setSchema = z.object({
  id: z.string(),
  name: z.string(),
  datasetId: z.string(),
  modelId: z.string(),
  adapterId: z.string().nullable(),
  wish: z.string(),
  createdAt: z.string(),
  sources: z.array(
    z.object({
      text: z.string(),
      source: z.string().nullable(),
      page: z.number().nullable(),
      heading: z.string().nullable(),
    }),
  ),
});
export type KeptSet = z.output<typeof setSchema>;

const changeSchema = z.object({
  index: z.number().int().min(0),
  state: z.enum(DRAFT_STATES),
  question: z.string(),
  answer: z.string(),
  problem: z.string().nullable(),
});

export class DraftFolder {
  readonly kept: KeptSet;
  readonly drafts: Draft[];
  #dir: string;

  private constructor(dir: string, kept: KeptSet) {
    this.#dir = dir;
    this.kept = kept;
    this.drafts = kept.sources.map(() => ({ state: 'waiting', question: '', answer: '', problem: null }));
  }

  static async create(dir: string, kept: KeptSet): Promise<DraftFolder> {
    await writeFolderAtomic(dir, (folder) => fs.writeFileSync(path.join(folder, SET), JSON.stringify(kept)));
    return new DraftFolder(dir, kept);
  }

  /** Undefined where the folder holds no set that can be read. */
  static open(dir: string): DraftFolder | undefined {
    const kept = setSchema.safeParse(parsed(textOf(path.join(dir, SET))));
    if (!kept.success) return undefined;
    const folder = new DraftFolder(dir, kept.data);
    for (const line of textOf(path.join(dir, CHANGES)).split('\n')) {
      // A line that a crash has cut off is no change.
      const change = changeSchema.safeParse(parsed(line));
      if (!change.success || change.data.index >= folder.drafts.length) continue;
      const { index, ...draft } = change.data;
      folder.drafts[index] = draft;
    }
    return folder;
  }

  source(index: number): DraftSource {
    return this.kept.sources[index]!;
  }

  /** On the disk before it counts. Throws the file system's error. */
  change(index: number, draft: Draft): void {
    const fd = fs.openSync(path.join(this.#dir, CHANGES), 'a', 0o600);
    try {
      // The line break comes first: what a full disk has cut off then ends with its line.
      fs.writeSync(fd, `\n${JSON.stringify({ index, ...draft })}`);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    this.drafts[index] = draft;
  }

  remove(): void {
    fs.rmSync(this.#dir, { recursive: true, force: true });
  }
}

function textOf(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
