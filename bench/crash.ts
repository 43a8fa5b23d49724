/**
 * `npm run crash -- --rounds N`: runs whose host is killed (SIGKILL) again and again, each time at another moment, and
 * resumed until they end. After every round no step that was told may be missing, and nothing half-written may be left;
 * every run must end with the losses and the bytes of one that nobody killed.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createServices, type Services } from '../src-main/app/services.ts';
import { readJournal } from '../src-main/runfolder/journal.ts';
import { Random } from '../src-shared/random.ts';
import type { RunView } from '../src-main/app/runs/view.ts';

const { rounds } = parseArgs({ options: { rounds: { type: 'string', default: '10' } } }).values;
const HOST = path.join(import.meta.dirname, 'crashHost.ts');
/** Of each run; a life sees at most `LAST_STEPS` of them, so that some are killed at their very end. */
const STEPS = 60;
const LAST_STEPS = 40;
/** The kill comes up to so long after a step was told. */
const DELAY_MS = 60;

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-crash-'));
const random = new Random(13);

/** One life of a host, killed after `steps` told steps and a little, or ended by itself; the last step that it told. */
function live(steps: number): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [HOST, home, String(STEPS)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = 0;
    let seen = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const [, step] of text.matchAll(/^step (\d+)$/gm)) {
        told = Number(step);
        if (++seen === steps) setTimeout(() => child.kill('SIGKILL'), random.nextUint32() % DELAY_MS);
      }
    });
    child.on('close', () => resolve(told));
  });
}

interface Ended {
  sha256: string;
  losses: number[];
}

function ended(services: Services, run: RunView): Ended {
  const losses = services.catalog.metrics.after(run.id, 0).map(({ loss }) => loss);
  return { sha256: run.result!.sha256, losses };
}

/** Sentences about what is missing after a new start; a run that has ended is compared and removed. */
async function faultsAfter(told: number, reference: Ended): Promise<{ faults: string[]; isOver: boolean }> {
  const services = createServices({ home, takeQueued: false });
  const faults: string[] = [];
  const [run] = services.runs.list();
  const isOver = run?.status === 'completed';
  if (!isOver && run?.status !== 'failed') faults.push(`the run is ${run?.status ?? 'not there'} instead of failed`);
  const steps = run ? services.catalog.metrics.after(run.id, 0).map(({ step }) => step) : [];
  const gap = steps.findIndex((step, i) => step !== i + 1);
  if (gap >= 0) faults.push(`step ${gap + 1} is missing of ${steps.length}`);
  if (steps.length < told) faults.push(`step ${told} was told, but only ${steps.length} are recorded`);
  const written = run ? readJournal(run.spec.runDir).flatMap((e) => (e.type === 'step' ? [e.step] : [])) : [];
  // The worker may have gone on for a step after the journal was read; the next life reads it again.
  if (steps.length + 1 < Math.max(0, ...written)) faults.push(`the journal has ${written.length} steps more`);
  if (run && isOver) {
    const got = ended(services, run);
    if (got.sha256 !== reference.sha256) faults.push('the adapter is not that of an undisturbed run');
    if (got.losses.join() !== reference.losses.join()) faults.push('the losses are not those of an undisturbed run');
    services.runs.remove(run.id);
  }
  if (services.catalog.db.pragma('integrity_check', { simple: true }) !== 'ok') faults.push('the catalogue is damaged');
  await services.close();
  return { faults, isOver };
}

/** What a run comes to that nobody kills; it is removed. */
async function undisturbed(): Promise<Ended> {
  await live(Infinity);
  const services = createServices({ home, takeQueued: false });
  const [run] = services.runs.list();
  if (run?.status !== 'completed') throw new Error(`The undisturbed run is ${run?.status ?? 'not there'}.`);
  const reference = ended(services, run);
  services.runs.remove(run.id);
  await services.close();
  return reference;
}

const reference = await undisturbed();
let failed = 0;
let runs = 0;
for (let round = 1; round <= Number(rounds); round++) {
  const told = await live(1 + (random.nextUint32() % LAST_STEPS));
  const { faults, isOver } = await faultsAfter(told, reference);
  if (faults.length > 0) failed++;
  if (isOver) runs++;
  const what = isOver ? `run ${runs} is over` : `killed after step ${told}`;
  process.stdout.write(`round ${round}: ${what}${faults.length > 0 ? `: ${faults.join('; ')}` : ''}\n`);
}
const left = fs.readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.partial'));
process.stdout.write(
  `${rounds} rounds, ${runs} runs ended as an undisturbed one, ${failed} rounds with something missing, ` +
    `${left.length} half-written files left\n`,
);
fs.rmSync(home, { recursive: true, force: true });
process.exitCode = failed + left.length > 0 ? 1 : 0;
