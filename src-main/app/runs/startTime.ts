/**
 * Runs that do not start before a time. What counts is the clock on the wall at the moment of looking, so that neither
 * a suspended machine nor a changed clock makes a run start early or never.
 */
import type { Run } from '../../catalog/runs.ts';

type Scheduled = Pick<Run, 'notBefore'>;

/** A timer runs on while the clock is set, or stands still while the machine sleeps: no wait is longer than this. */
const LONGEST_WAIT_MS = 20_000;

export function isDue({ notBefore }: Scheduled, nowMs: number): boolean {
  return notBefore === null || Date.parse(notBefore) <= nowMs;
}

/** Milliseconds until somebody should look again; null where no run waits for its time. */
export function waitForTime(runs: readonly Scheduled[], nowMs: number): number | null {
  const times = runs.flatMap((run) => (isDue(run, nowMs) ? [] : [Date.parse(run.notBefore!)]));
  return times.length === 0 ? null : Math.min(LONGEST_WAIT_MS, Math.min(...times) - nowMs);
}

/** Looks again when the time of a run may have come. */
export class StartAlarm {
  #timer: NodeJS.Timeout | undefined;

  set(runs: readonly Scheduled[], nowMs: number, look: () => void): void {
    this.clear();
    const waitMs = waitForTime(runs, nowMs);
    if (waitMs !== null) this.#timer = setTimeout(look, waitMs);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
