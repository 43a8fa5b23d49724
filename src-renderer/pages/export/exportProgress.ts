/** How far an export is, and how long its current phase will take at the speed so far. */
export interface ExportProgress {
  phase: 'merge' | 'verify' | 'copy';
  /** merge and copy: bytes; verify: prompts. */
  done: number;
  total: number;
  /** When the phase began, on the page's clock. */
  sinceMs: number;
  /** Undefined before anything is done. */
  leftMs: number | undefined;
}

/** The state after an event; a new phase begins to count anew. */
export function progressAfter(
  before: ExportProgress | undefined,
  event: Pick<ExportProgress, 'phase' | 'done' | 'total'>,
  nowMs: number,
): ExportProgress {
  const { phase, done, total } = event;
  if (before?.phase !== phase) return { phase, done, total, sinceMs: nowMs, leftMs: undefined };
  const elapsedMs = nowMs - before.sinceMs;
  return {
    phase,
    done,
    total,
    sinceMs: before.sinceMs,
    leftMs: done > 0 ? (elapsedMs * (total - done)) / done : undefined,
  };
}

/** A folder name that is not among those taken: `colours-merged`, `colours-merged-2`, ... */
export function freeFolderName(stem: string, isTaken: (name: string) => boolean): string {
  const clean = stem.replace(/[^\p{L}\p{N}_-]+/gu, '-');
  let name = clean;
  for (let count = 2; isTaken(name); count += 1) name = `${clean}-${count}`;
  return name;
}
