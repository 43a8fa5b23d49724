/**
 * How much of the machine other programs take during a turn. Rivals suffer very differently from company (OpenMP's
 * barriers far more than libtensorflow's thread pool), so a disturbed turn says nothing about who is faster: it is
 * repeated while there is time for it, and otherwise marked.
 */
import fs from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Share of all cores above which a turn counts as disturbed. */
export const DISTURBED_SHARE = 0.05;

const WINDOW_MS = 300;

export interface Sample {
  ms: number;
  /** Share of all cores that other programs took meanwhile; null where the system does not tell. */
  otherShare: number | null;
}

export function isDisturbed({ otherShare }: Sample): boolean {
  return otherShare !== null && otherShare > DISTURBED_SHARE;
}

interface Ticks {
  total: number;
  busy: number;
  own: number;
}

/** Fields of the first line of /proc/stat -> all ticks and those in which a core was not idle. */
export function parseMachineTicks(stat: string): { total: number; busy: number } {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = stat
    .split('\n')[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  return { total: busy + idle + iowait, busy };
}

/** Ticks of a process and of its ended children, from /proc/PID/stat. The name in brackets may hold spaces. */
export function parseProcessTicks(stat: string): number {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return fields[11]! + fields[12]! + fields[13]! + fields[14]!;
}

/** Takes turns when nobody else works, within a budget of waiting and repeating. */
export class QuietTurns {
  private budgetMs: number;

  constructor(budgetMs: number) {
    this.budgetMs = budgetMs;
  }

  /** Runs `turn`, which returns its own time; `pids` are the processes that work in it. */
  async take(pids: readonly number[], turn: () => Promise<number>): Promise<Sample> {
    for (;;) {
      await this.waitForQuiet(pids);
      const started = performance.now();
      const before = readTicks(pids);
      const ms = await turn();
      const sample: Sample = { ms, otherShare: otherShare(before, readTicks(pids)) };
      if (!isDisturbed(sample) || this.budgetMs <= 0) return sample;
      this.budgetMs -= performance.now() - started;
    }
  }

  private async waitForQuiet(pids: readonly number[]): Promise<void> {
    while (this.budgetMs > 0) {
      const before = readTicks(pids);
      await sleep(WINDOW_MS);
      if (!isDisturbed({ ms: 0, otherShare: otherShare(before, readTicks(pids)) })) return;
      this.budgetMs -= WINDOW_MS;
    }
  }
}

/** Null without Linux's /proc. */
function readTicks(pids: readonly number[]): Ticks | null {
  if (os.platform() !== 'linux') return null;
  const own = [process.pid, ...pids].reduce((sum, pid) => sum + ticksOf(pid), 0);
  return { ...parseMachineTicks(fs.readFileSync('/proc/stat', 'utf8')), own };
}

/** An ended process has become part of its parent's ticks. */
function ticksOf(pid: number): number {
  const file = `/proc/${pid}/stat`;
  return fs.existsSync(file) ? parseProcessTicks(fs.readFileSync(file, 'utf8')) : 0;
}

function otherShare(before: Ticks | null, after: Ticks | null): number | null {
  if (!before || !after || after.total === before.total) return null;
  return Math.max(0, after.busy - before.busy - (after.own - before.own)) / (after.total - before.total);
}
