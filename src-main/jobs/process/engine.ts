/** Which engine `auto` means on the machine of a job: measured in a process of its own, since each engine stays. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { BackendName, EngineReport } from '../../../src-shared/backends.ts';
import { chooseEngine } from '../../../src-shared/chooseEngine.ts';
import { reportBackends } from '../../engine/backends/backends.ts';

const MOST_MS = 120_000;
/** The program of a job, as source or as bundle. */
const ENTRY = path.resolve(
  import.meta.dirname,
  import.meta.filename.endsWith('.ts') ? '../main.ts' : 'job.js',
);

/** Throws NO_ENGINE. */
export function engineHere(): BackendName {
  const told = execFileSync(process.execPath, [...process.execArgv, ENTRY, 'engines'], {
    encoding: 'utf8',
    timeout: MOST_MS,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // The last line: native libraries may print of their own accord.
  return chooseEngine(JSON.parse(told.trim().split('\n').at(-1) ?? '[]') as EngineReport[]);
}

export async function printEngines(): Promise<void> {
  process.stdout.write(`\n${JSON.stringify(await reportBackends(true))}\n`);
}
