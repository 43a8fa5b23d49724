/** `--not-before`: a time of day, or a day and a time, as the local clock shows them. */
import { bad, type Args } from './args.ts';

/** ISO 8601 in UTC. `22:30` is the next time that the clock shows it. Throws a usage error BAD_USAGE. */
export function readStartTime(args: Args, now = new Date()): string | undefined {
  const text = args.text('not-before');
  if (text === undefined) return undefined;
  const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hours !== undefined && minutes !== undefined) {
    const on = (days: number): Date =>
      new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, Number(hours), Number(minutes));
    return (on(0) > now ? on(0) : on(1)).toISOString();
  }
  const time = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text) ? new Date(text.replace(' ', 'T')) : new Date(Number.NaN);
  if (Number.isNaN(time.getTime()))
    throw bad('not-before', text, 'a time as 22:30, or a day and a time as 2026-12-01T22:30');
  return time.toISOString();
}
