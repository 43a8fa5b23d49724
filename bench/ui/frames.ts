/** Frame times as the page itself sees them: the gaps between animation frames, and tasks that held its thread. */
import type { Page } from '@playwright/test';

export interface Frames {
  count: number;
  /** Milliseconds between two frames. */
  medianMs: number;
  p99Ms: number;
  longestMs: number;
  /** Gaps of more than 50 ms. */
  janks: number;
  /** Those of them in which the page's own thread was held for more than 50 ms at a time. */
  ownJanks: number;
  /** Longest task of the page's thread, 0 where none took more than 50 ms. */
  longestTaskMs: number;
}

/** A stretch of time, in milliseconds. */
export interface Span {
  at: number;
  ms: number;
}

interface Probe extends Gaps {
  running: boolean;
}

const JANK_MS = 50;
/** Three frames of 60 Hz are 50 ms; the clock's rounding does not make a jank of them. */
const ROUNDING_MS = 0.5;

/** Starts watching. */
export async function watchFrames(page: Page): Promise<void> {
  await page.evaluate(() => {
    const probe: Probe = { gaps: [], tasks: [], running: true };
    (globalThis as unknown as { graftProbe: Probe }).graftProbe = probe;
    new PerformanceObserver((list) =>
      probe.tasks.push(...list.getEntries().map(({ startTime, duration }) => ({ at: startTime, ms: duration }))),
    ).observe({ type: 'longtask' });
    let last = 0;
    const frame = (now: number): void => {
      if (last > 0) probe.gaps.push({ at: last, ms: now - last });
      last = now;
      if (probe.running) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

export interface Gaps {
  gaps: Span[];
  tasks: Span[];
}

/** Ends watching and sums up. */
export async function framesSeen(page: Page): Promise<Frames> {
  const { gaps, tasks } = await gapsSeen(page);
  return summary(gaps, tasks);
}

/** Ends watching. */
export function gapsSeen(page: Page): Promise<Gaps> {
  return page.evaluate(() => {
    const { graftProbe } = globalThis as unknown as { graftProbe: Probe };
    graftProbe.running = false;
    return { gaps: graftProbe.gaps, tasks: graftProbe.tasks };
  });
}

/** Of gaps and tasks in any order. */
export function summary(gaps: readonly Span[], tasks: readonly Span[]): Frames {
  const sorted = gaps.map(({ ms }) => ms).sort((a, b) => a - b);
  const janks = gaps.filter(({ ms }) => ms > JANK_MS + ROUNDING_MS);
  const own = janks.filter((gap) => tasks.some((task) => task.at < gap.at + gap.ms && gap.at < task.at + task.ms));
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return {
    count: gaps.length,
    medianMs: at(0.5),
    p99Ms: at(0.99),
    longestMs: sorted.at(-1) ?? 0,
    janks: janks.length,
    ownJanks: own.length,
    longestTaskMs: Math.max(0, ...tasks.map(({ ms }) => ms)),
  };
}
