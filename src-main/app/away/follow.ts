/** Reads what a job tells, and records each event exactly once, whoever else follows it. */
import path from 'node:path';
import type { AwayRun } from '../../catalog/away.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { JobEvent, JobState } from '../../../src-shared/jobs.ts';
import { readEvents } from '../../jobs/events.ts';
import { JOB } from '../../jobs/layout.ts';
import { parseState } from '../../jobs/state.ts';
import type { Machine } from '../../remote/machine.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { recordEvent } from '../runs/recordEvent.ts';

/** Null before a process has begun. Throws JOB_CHANGED, and what the machine throws. */
export async function readJobState(machine: Machine, { jobDir }: Pick<AwayRun, 'jobDir'>): Promise<JobState | null> {
  const file = path.posix.join(jobDir, JOB.state);
  const read = await machine.read(file);
  return read && parseState(new TextDecoder().decode(read.bytes), file);
}

export interface News {
  /** How far this process has told its listeners; undefined before its first look. */
  toldBytes: number | undefined;
  tell: (event: JobEvent) => void;
}

/**
 * Records all that is there and has not been recorded; `tell` hears of it afterwards, and of what another Graft has
 * recorded. The new `toldBytes`.
 */
export async function readNews(
  machine: Machine,
  catalog: Catalog,
  { runId, jobDir }: Pick<AwayRun, 'runId' | 'jobDir'>,
  { toldBytes, tell }: News,
): Promise<number | undefined> {
  const file = path.posix.join(jobDir, JOB.events);
  let told = toldBytes;
  for (;;) {
    const recorded = catalog.away.get(runId)?.readBytes;
    if (recorded === undefined) return told;
    const from = Math.min(told ?? recorded, recorded);
    const read = await machine.read(file, { from, ...(from < recorded ? { most: recorded - from } : {}) });
    const sizeBytes = read?.sizeBytes ?? 0;
    if (read && sizeBytes < from) {
      // It has been begun anew: whatever stands there has not been read.
      catalog.away.advance(runId, recorded, 0);
      told = 0;
      continue;
    }
    const bytes = read?.bytes ?? new Uint8Array();
    const whole = readEvents(bytes);
    // A line that is longer than what is read at a time is none of ours; what follows it may be.
    const isTooLong = whole.usedBytes === 0 && from + bytes.length < sizeBytes;
    const { events, usedBytes } = isTooLong ? { events: [], usedBytes: bytes.length } : whole;
    if (usedBytes === 0) return told;
    if (from === recorded && !record(catalog, runId, { from, usedBytes, events })) continue;
    events.forEach(tell);
    told = from + usedBytes;
    if (told >= sizeBytes) return told;
  }
}

/** False where another process has recorded these. */
function record(
  catalog: Catalog,
  runId: string,
  { from, usedBytes, events }: { from: number; usedBytes: number; events: JobEvent[] },
): boolean {
  return catalog.transaction(() => {
    if (!catalog.away.advance(runId, from, from + usedBytes)) return false;
    for (const { event, atMs } of events.map(withoutPlace)) {
      recordEvent(catalog, runId, event, atMs);
      if (event.type === 'started') catalog.runs.update(runId, { started: event });
    }
    return true;
  });
}

/** The event as a run that is trained here tells it. */
export function withoutPlace({ seq: _seq, attempt: _attempt, atMs, ...event }: JobEvent): {
  event: TrainEvent;
  atMs: number;
} {
  return { event, atMs };
}
