/** Starts secondGraft.ts. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { onTestFinished } from 'vitest';

const ENTRY = path.join(import.meta.dirname, 'secondGraft.ts');

/** `ended`: its exit code or signal. */
export function secondGraft(home: string, program?: string): { ended: Promise<unknown>; kill: () => void } {
  const args = [ENTRY, home, ...(program ? [program] : [])];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], { stdio: 'inherit' });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { ended, kill: () => void child.kill('SIGKILL') };
}
