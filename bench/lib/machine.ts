/** Where and when a measurement was taken. */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { REPOSITORY } from './places.ts';

export interface Circumstances {
  date: string;
  commit: string;
  /** Files differ from the commit. */
  changed: boolean;
  cpu: string;
  cores: number;
  memoryBytes: number;
  system: string;
  node: string;
  /** One-minute load average when the case began; above 1 something else was running. */
  loadAtStart: number;
}

export function circumstances(): Circumstances {
  return {
    date: new Date().toISOString(),
    commit: git('rev-parse', '--short', 'HEAD') || (process.env['GRAFT_COMMIT'] ?? ''),
    changed: git('status', '--porcelain', '--untracked-files=no', '--', 'src-main', 'src-shared', 'bench/peers') !== '',
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    loadAtStart: os.loadavg()[0]!,
  };
}

/** Empty outside a git checkout. */
function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: REPOSITORY, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}
