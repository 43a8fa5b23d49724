/** Which engine `auto` means on the machine of a job: measured in a process of its own, since each engine stays. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { BackendName, EngineReport } from '../../../src-shared/backends.ts';
import { chooseEngine } from '../../../src-shared/chooseEngine.ts';
import { reportBackends } from '../../engine/backends/backends.ts';

const MOST_MS = 120_000;

/** Throws NO_ENGINE. */
export function engineHere(): BackendName {
  const entry = process.argv[1] ?? path.join(import.meta.dirname, '../main.ts');
  const told = execFileSync(process.execPath, [...process.execArgv, entry, 'engines'], {
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
