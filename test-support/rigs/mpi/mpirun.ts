/** Starting programs under a real mpirun, of Open MPI and of MPICH. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../../fixtures/folders.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import type { ErrorData } from '../../../src-shared/errors.ts';
import type { MpiJob, MpiLine } from './train.ts';

export const MPIS = ['Open MPI', 'MPICH'] as const;
export type Mpi = (typeof MPIS)[number];

const PROGRAMS: Record<Mpi, { names: string[]; tells: RegExp }> = {
  'Open MPI': { names: ['mpirun.openmpi', 'mpirun'], tells: /Open MPI|OpenRTE/ },
  MPICH: { names: ['mpirun.mpich', 'mpirun'], tells: /HYDRA|MPICH/ },
};

/** For a test's title: why it is skipped; empty where this mpirun is installed. */
export function mpiNote(mpi: Mpi): string {
  if (programOf(mpi) !== undefined) return '';
  const note = ` (skipped: there is no mpirun of ${mpi}; install openmpi-bin and mpich)`;
  console.warn(`${mpi}${note}`); // the reporter does not print titles of skipped suites
  return note;
}

function programOf(mpi: Mpi): string | undefined {
  const { names, tells } = PROGRAMS[mpi];
  return names.find((name) => {
    try {
      return tells.test(execFileSync(name, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    } catch {
      return false;
    }
  });
}

export interface Ended {
  code: number | null;
  stderr: string;
}

/** Ends by itself, or with the test. */
export function mpirun(mpi: Mpi, processes: number, script: string, args: string[]): { ended: Promise<Ended> } {
  // Processes that wait do not keep the other tests from their cores.
  const yields = ['--mca', 'mpi_yield_when_idle', '1'];
  const asRoot = mpi === 'Open MPI' ? ['--allow-run-as-root', '--oversubscribe', ...yields] : [];
  const program = programOf(mpi);
  if (program === undefined) throw new Error(`there is no mpirun of ${mpi}`);
  const file = path.join(import.meta.dirname, script);
  const child = spawn(program, [...asRoot, '-np', String(processes), process.execPath, file, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { ended: endOf(child) };
}

function endOf(child: ChildProcess): Promise<Ended> {
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stderr }));
  });
}

export interface MpiRun {
  ended: Promise<Ended>;
  /** What has been written so far. */
  lines(): MpiLine[];
  events<T extends TrainEvent['type']>(type: T): Extract<TrainEvent, { type: T }>[];
  losses(): number[];
  pidOf(rank: number): number;
  results(): TrainResult[];
  /** By rank. */
  errors(): Map<number, ErrorData>;
  /** Waits for what the processes have written. Throws when they end before. */
  until(isThere: () => boolean): Promise<void>;
}

/** A run on `processes` of them; without `mpi` on one, without mpirun. */
export function startRun(
  mpi: Mpi | null,
  processes: number,
  job: Partial<Omit<MpiJob, 'log' | 'spec'>> & { spec: RunSpec },
): MpiRun {
  const dir = temporaryFolder();
  const [file, log] = [path.join(dir, 'job.json'), path.join(dir, 'log')];
  fs.writeFileSync(log, '');
  fs.writeFileSync(file, JSON.stringify({ resume: false, ...job, log } satisfies MpiJob));
  const { ended } = mpi ? mpirun(mpi, processes, 'train.ts', [file]) : plain(file);
  let over = false;
  void ended.then(() => (over = true));
  const lines = (): MpiLine[] =>
    fs
      .readFileSync(log, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as MpiLine);
  const events: MpiRun['events'] = (type) =>
    lines().flatMap((line) => ('event' in line && line.event.type === type ? [line.event as never] : []));
  return {
    ended,
    lines,
    events,
    losses: () => events('step').map(({ loss }) => loss),
    pidOf: (rank) => lines().flatMap((line) => ('pid' in line && line.rank === rank ? [line.pid] : []))[0]!,
    results: () => lines().flatMap((line) => ('result' in line ? [line.result] : [])),
    errors: () => new Map(lines().flatMap((line) => ('error' in line ? [[line.rank, line.error] as const] : []))),
    until: async (isThere) => {
      while (!isThere()) {
        if (over) throw new Error(`the run has ended before: ${(await ended).stderr}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

function plain(file: string): { ended: Promise<Ended> } {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'train.ts'), file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return { ended: endOf(child) };
}
