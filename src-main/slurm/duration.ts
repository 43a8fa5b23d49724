/** Times as Slurm writes them, and as it takes them. */

/** `[DAYS-]HOURS:MINUTES:SECONDS`, `MINUTES:SECONDS`, as squeue prints it; null for UNLIMITED, INVALID and the like. */
export function durationMs(text: string): number | null {
  const parts = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)$/.exec(text.trim());
  if (!parts) return null;
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return 1000 * (seconds! + 60 * (minutes! + 60 * (hours! + 24 * days!)));
}

/**
 * A time limit as sbatch takes it: MINUTES, MINUTES:SECONDS, HOURS:MINUTES:SECONDS, DAYS-HOURS, DAYS-HOURS:MINUTES or
 * DAYS-HOURS:MINUTES:SECONDS. Null for anything else.
 */
export function limitMs(text: string): number | null {
  const parts = /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(text.trim());
  if (!parts) return null;
  const [days, first, second, third] = parts.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  const hoursFirst = days !== undefined || third !== undefined;
  const [hours, minutes, seconds] = hoursFirst ? [first!, second ?? 0, third ?? 0] : [0, first!, second ?? 0];
  return 1000 * (seconds + 60 * (minutes + 60 * (hours + 24 * (days ?? 0))));
}

const SIGNAL_SECONDS = 120;

/**
 * How long before its time is over a job is told so, to keep its state: 2 minutes, and at most a third of the time that
 * it has. `time`: its limit, where it names one.
 */
export function signalSeconds(time: string | undefined): number {
  const limit = time === undefined ? null : limitMs(time);
  return limit === null ? SIGNAL_SECONDS : Math.max(1, Math.min(SIGNAL_SECONDS, Math.floor(limit / 3000)));
}
