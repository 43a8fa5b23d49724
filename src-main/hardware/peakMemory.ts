/** How much memory this process has held at its largest. */
import fs from 'node:fs';

/**
 * Resident bytes, at the largest so far. On Linux a process begins with the `maxRSS` of the one that started it
 * (execve keeps the mark, getrusage(2)), so there the mark of this process's own memory is read, VmHWM (proc(5)).
 */
export function peakResidentBytes(): number {
  return ownHighWater() ?? process.resourceUsage().maxRSS * 1024;
}

function ownHighWater(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined; // no /proc, as in some containers
  }
}
