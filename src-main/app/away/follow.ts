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

/** Records all that is there and has not been recorded; `tell` hears of it afterwards. */
export async function readNews(
  machine: Machine,
  catalog: Catalog,
  { runId, jobDir }: Pick<AwayRun, 'runId' | 'jobDir'>,
  tell: (event: JobEvent) => void,
): Promise<void> {
  const file = path.posix.join(jobDir, JOB.events);
  for (;;) {
    const from = catalog.away.get(runId)?.readBytes;
    if (from === undefined) return;
    const read = await machine.read(file, { from });
    const { events, usedBytes } = readEvents(read?.bytes ?? new Uint8Array());
    if (usedBytes === 0) return;
    const isOurs = catalog.transaction(() => {
      if (!catalog.away.advance(runId, from, from + usedBytes)) return false;
      for (const event of events.map(withoutPlace)) {
        recordEvent(catalog, runId, event.event, event.atMs);
        if (event.event.type === 'started') catalog.runs.update(runId, { started: event.event });
      }
      return true;
    });
    if (isOurs) events.forEach(tell);
    if (from + usedBytes >= (read?.sizeBytes ?? 0)) return;
  }
}

/** The event as a run that is trained here tells it. */
export function withoutPlace({ seq: _seq, attempt: _attempt, atMs, ...event }: JobEvent): {
  event: TrainEvent;
  atMs: number;
} {
  return { event, atMs };
}
