/** Times at which runs are to start, as a field of the page shows them: local, to the minute. */
import type { RunView } from '../api.ts';

/** Of a `datetime-local` field; undefined for an empty or half-written one. */
export function fromField(value: string): string | undefined {
  const time = new Date(value);
  return value === '' || Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

export function toField(time: string | null): string {
  if (time === null) return '';
  const date = new Date(time);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Whether a queued run waits for its time, not only for its turn. */
export function isScheduled(run: Pick<RunView, 'status' | 'notBefore'>, nowMs = Date.now()): boolean {
  return run.status === 'queued' && run.notBefore !== null && Date.parse(run.notBefore) > nowMs;
}
