/**
 * `npm run crash -- --rounds N`: a run whose host is killed (SIGKILL) again and again, each time at another moment, and
 * resumed. After every round no step that was told may be missing, and nothing half-written may be left.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createServices } from '../src-main/app/services.ts';
import { readJournal } from '../src-main/runfolder/journal.ts';
import { Random } from '../src-shared/random.ts';

const { rounds } = parseArgs({ options: { rounds: { type: 'string', default: '10' } } }).values;
const HOST = path.join(import.meta.dirname, 'crashHost.ts');
const STEPS = 100_000;
const LAST_STEPS = 40;

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-crash-'));
const random = new Random(13);

/** One life of a host, killed after `steps` told steps and a little; the last step that it told. */
function live(steps: number): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [HOST, home, String(STEPS)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = 0;
    let seen = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const [, step] of text.matchAll(/^step (\d+)$/gm)) {
        told = Number(step);
        if (++seen === steps) setTimeout(() => child.kill('SIGKILL'), random.nextUint32() % 60);
      }
    });
    child.on('close', () => resolve(told));
  });
}

/** Sentences about what is missing after a new start. */
async function faultsAfter(told: number): Promise<string[]> {
  const services = createServices({ home, takeQueued: false });
  const faults: string[] = [];
  const [run] = services.runs.list();
  if (run?.status !== 'failed') faults.push(`the run is ${run?.status ?? 'not there'} instead of failed`);
  const steps = run ? services.catalog.metrics.after(run.id, 0).map(({ step }) => step) : [];
  const gap = steps.findIndex((step, i) => step !== i + 1);
  if (gap >= 0) faults.push(`step ${gap + 1} is missing of ${steps.length}`);
  if (steps.length < told) faults.push(`step ${told} was told, but only ${steps.length} are recorded`);
  const written = run ? readJournal(run.spec.runDir).flatMap((e) => (e.type === 'step' ? [e.step] : [])) : [];
  // The worker may have gone on for a step after the journal was read.
  if (steps.length + 1 < Math.max(0, ...written)) faults.push(`the journal has ${written.length} steps more`);
  if (services.catalog.db.pragma('integrity_check', { simple: true }) !== 'ok') faults.push('the catalogue is damaged');
  await services.close();
  return faults;
}

let failed = 0;
for (let round = 1; round <= Number(rounds); round++) {
  const told = await live(1 + (random.nextUint32() % LAST_STEPS));
  const faults = await faultsAfter(told);
  if (faults.length > 0) failed++;
  process.stdout.write(
    `round ${round}: killed after step ${told}${faults.length > 0 ? `: ${faults.join('; ')}` : ''}\n`,
  );
}
const left = fs.readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.partial'));
process.stdout.write(`${rounds} rounds, ${failed} with something missing, ${left.length} half-written files left\n`);
fs.rmSync(home, { recursive: true, force: true });
process.exitCode = failed + left.length > 0 ? 1 : 0;
