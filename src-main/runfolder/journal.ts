/**
 * The events of a run in its own folder, written by the worker before it tells them: what the main process could not
 * record, because it was killed or the catalogue was away, is read from here.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { TrainEvent } from '../../src-shared/training.ts';

const FILE = 'events.jsonl';

/** When the worker wrote it; journals of before do not say. */
export type JournalEntry = TrainEvent & { atMs?: number };

/** Records events from `started` on, where the file begins anew. A full disk does not end the run. */
export class Journal {
  #file: string;
  #fd: number | undefined;

  constructor(runDir: string) {
    this.#file = path.join(runDir, FILE);
  }

  write(event: TrainEvent): void {
    try {
      if (event.type === 'started') {
        this.close();
        // A file of its own: the worker of a host that was killed may still be at its last step.
        fs.rmSync(this.#file, { force: true });
        this.#fd = fs.openSync(this.#file, 'wx', 0o600);
      }
      // The line break comes first: what a full disk has cut off then ends with its line.
      if (this.#fd !== undefined) fs.writeSync(this.#fd, `\n${JSON.stringify({ ...event, atMs: Date.now() })}`);
    } catch {
      // The main process is told all the same; this is the second place.
    }
  }

  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** In their order; lines that were cut off are left out. Empty where there is no journal. */
export function readJournal(runDir: string): JournalEntry[] {
  let text: string;
  try {
    text = fs.readFileSync(path.join(runDir, FILE), 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as JournalEntry];
    } catch {
      return [];
    }
  });
}

export function removeJournal(runDir: string): void {
  try {
    fs.rmSync(path.join(runDir, FILE), { force: true });
  } catch {
    // It only takes room.
  }
}
