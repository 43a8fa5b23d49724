/** Times of Slurm: `[DAYS-]HOURS:MINUTES:SECONDS`, `MINUTES:SECONDS`; null for UNLIMITED, INVALID and the like. */
export function durationMs(text: string): number | null {
  const parts = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)$/.exec(text.trim());
  if (!parts) return null;
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return 1000 * (seconds! + 60 * (minutes! + 60 * (hours! + 24 * days!)));
}
