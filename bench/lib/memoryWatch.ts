/**
 * The resident memory of another process while it works, looked at every few milliseconds, in the parts that Linux
 * tells apart. Mesa's software driver keeps the device's memory in anonymous files, which Linux counts as shared: what
 * is left is the host's memory outside the driver.
 */
import fs from 'node:fs';

const EVERY_MS = 50;

export interface MemoryPeaks {
  /** Everything that is resident. */
  residentBytes: number;
  /** Without shared memory. */
  hostBytes: number;
  /** Shared memory: on Mesa's software driver the device's. */
  sharedBytes: number;
}

/** From /proc/PID/status; null where a line is missing, as of a process that has ended. */
export function parseStatus(status: string): MemoryPeaks | null {
  const [residentBytes, sharedBytes] = ['VmRSS', 'RssShmem'].map((name) => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  });
  if (residentBytes === undefined || sharedBytes === undefined) return null;
  return { residentBytes, sharedBytes, hostBytes: residentBytes - sharedBytes };
}

/** Looks until `stop`, which gives the largest of each part; null outside Linux. */
export class MemoryWatch {
  private readonly file: string;
  private readonly timer: NodeJS.Timeout;
  private peaks: MemoryPeaks | null = null;

  constructor(pid: number) {
    this.file = `/proc/${pid}/status`;
    this.timer = setInterval(() => this.look(), EVERY_MS);
    this.look();
  }

  stop(): MemoryPeaks | null {
    this.look();
    clearInterval(this.timer);
    return this.peaks;
  }

  private look(): void {
    const now = parseStatus(this.read());
    if (!now) return;
    const before = this.peaks ?? now;
    this.peaks = {
      residentBytes: Math.max(before.residentBytes, now.residentBytes),
      hostBytes: Math.max(before.hostBytes, now.hostBytes),
      sharedBytes: Math.max(before.sharedBytes, now.sharedBytes),
    };
  }

  private read(): string {
    try {
      return fs.readFileSync(this.file, 'utf8');
    } catch {
      return '';
    }
  }
}
