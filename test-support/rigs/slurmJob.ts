/** For tests of Slurm: its programs run here, and a job that notes in its folder what happens to it. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SlurmHost } from '../../src-main/slurm/host.ts';

/** Runs programs on this machine, without a shell. */
export const programsHere = (env: Record<string, string>): SlurmHost => ({
  name: 'this machine',
  run: ([program, ...args], { cwd, input, timeoutMs } = {}) =>
    new Promise((resolve) => {
      const options = { cwd, timeout: timeoutMs, env: { ...process.env, ...env } };
      const child = execFile(program!, args, options, (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : null) : 0;
        resolve({ code, stdout, stderr });
      });
      child.stdin?.on('error', () => undefined); // it may end without reading
      child.stdin?.end(input ?? '');
    }),
});

/** One line of `notes.jsonl` in the folder of a job. */
export interface Note {
  atMs: number;
  what: 'begin' | 'end' | 'SIGTERM' | 'SIGUSR1';
  rank: string;
  args: string[];
  slurm: Record<string, string>;
}

/**
 * Arguments: seconds to run, seconds that it takes to end after a signal, whatever else, and its folder as the last.
 */
const NOTING_JOB = `
const fs = require('node:fs');
const args = process.argv.slice(2);
const [runSeconds, endSeconds] = args.map(Number);
const slurm = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('SLURM')));
const note = (what) =>
  fs.appendFileSync(
    args.at(-1) + '/notes.jsonl',
    JSON.stringify({ atMs: Date.now(), what, rank: process.env.OMPI_COMM_WORLD_RANK ?? '', args, slurm }) + '\\n',
  );
const end = () => {
  note('end');
  process.exit(0);
};
for (const signal of ['SIGTERM', 'SIGUSR1'])
  process.once(signal, () => {
    note(signal);
    setTimeout(end, 1000 * endSeconds);
  });
console.log('begun ' + args.at(-1));
note('begin');
setTimeout(end, 1000 * runSeconds);
`;

export function writeNotingJob(dir: string): string {
  const file = path.join(dir, 'job.cjs');
  fs.writeFileSync(file, NOTING_JOB);
  return file;
}

export function notesOf(jobDir: string): Note[] {
  const file = path.join(jobDir, 'notes.jsonl');
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Note);
}

/** What `look` finds, as soon as it finds something. */
export async function soon<T>(look: () => T | undefined | false | null | Promise<T | undefined | false | null>) {
  const until = Date.now() + 100_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > until) throw new Error(`Nothing came of it within 100 s: ${String(look)}`);
    await sleep(100);
  }
}
