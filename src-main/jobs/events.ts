/**
 * What a job told, a line of JSON each, over all processes that have been at it. The file only grows, so that whoever
 * follows it can go on where it stopped reading.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { JobEvent } from '../../src-shared/jobs.ts';
import type { TrainEvent } from '../../src-shared/training.ts';
import { parseJson } from '../files/parseJson.ts';
import { JOB } from './layout.ts';
import { openOwn } from './ownFile.ts';
import { jobEventSchema } from './told.ts';

const TAIL_BYTES = 256 << 10;
const LINE_BREAK = '\n'.charCodeAt(0);

/** Adds to the file; a full disk does not end the run. */
export class JobEvents {
  #fd: number;
  #seq: number;
  #attempt: number;

  constructor(jobDir: string, attempt: number) {
    const file = path.join(jobDir, JOB.events);
    const tail = lastBytes(file);
    this.#attempt = attempt;
    this.#seq = readEvents(tail).events.at(-1)?.seq ?? 0;
    const flags = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | (fs.constants.O_NOFOLLOW ?? 0);
    this.#fd = fs.openSync(file, flags, 0o600);
    // What a process that was killed has left half-written ends here, and is no event.
    if (tail.length > 0 && tail.at(-1) !== LINE_BREAK) fs.writeSync(this.#fd, '\n');
  }

  write(event: TrainEvent): void {
    if (event.type === 'loading') return; // some times a second, and soon over
    const line: JobEvent = { ...event, seq: ++this.#seq, attempt: this.#attempt, atMs: Date.now() };
    try {
      fs.writeSync(this.#fd, `${JSON.stringify(line)}\n`);
    } catch {
      // The adapter does not depend on it.
    }
  }

  close(): void {
    fs.fsyncSync(this.#fd);
    fs.closeSync(this.#fd);
  }
}

/** The events of whole lines, and how many bytes these are; what is no event is left out. */
export function readEvents(bytes: Uint8Array): { events: JobEvent[]; usedBytes: number } {
  const usedBytes = bytes.lastIndexOf(LINE_BREAK) + 1;
  const lines = new TextDecoder().decode(bytes.subarray(0, usedBytes)).split('\n');
  return { events: lines.flatMap(eventOf), usedBytes };
}

function eventOf(line: string): JobEvent[] {
  const json = parseJson(line);
  const event = 'value' in json ? jobEventSchema.safeParse(json.value) : undefined;
  return event?.success ? [event.data as JobEvent] : [];
}

function lastBytes(file: string): Uint8Array {
  const fd = openOwn(file);
  if (fd === null) return new Uint8Array();
  try {
    const { size } = fs.fstatSync(fd);
    const bytes = new Uint8Array(Math.min(size, TAIL_BYTES));
    fs.readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return bytes;
  } finally {
    fs.closeSync(fd);
  }
}
