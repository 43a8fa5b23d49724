/** Downloads that are not done, a small file each, so that a page offers to go on with them after a restart. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { PullView } from '../../../src-shared/pulls.ts';
import { readForeignText } from '../../files/foreignFile.ts';
import { isAlive } from '../../files/isAlive.ts';
import { parseJson } from '../../files/parseJson.ts';
import { writeFileAtomic } from '../../files/writeWhole.ts';

const recordSchema = z.looseObject({
  ownerPid: z.number().int(),
  view: z.looseObject({ id: z.string(), source: z.string(), status: z.string(), plan: z.looseObject({}) }),
});

export class PullRecords {
  #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Those of earlier processes; what was under way is interrupted. Not those of other living processes. */
  read(): PullView[] {
    return fs
      .readdirSync(this.#dir)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => this.#one(path.join(this.#dir, name)) ?? []);
  }

  #one(file: string): PullView | undefined {
    try {
      const json = parseJson(readForeignText(file));
      const record = recordSchema.safeParse('value' in json ? json.value : undefined);
      if (!record.success) return undefined;
      const view = record.data.view as unknown as PullView;
      if (view.status !== 'running') return view;
      const { ownerPid } = record.data;
      if (ownerPid !== process.pid && isAlive(ownerPid)) return undefined;
      return { ...view, status: 'interrupted' };
    } catch {
      return undefined;
    }
  }

  write(view: PullView): void {
    writeFileAtomic(this.#file(view.id), JSON.stringify({ ownerPid: process.pid, view }));
  }

  remove(id: string): void {
    fs.rmSync(this.#file(id), { force: true });
  }

  #file(id: string): string {
    return path.join(this.#dir, `${id}.json`);
  }
}
