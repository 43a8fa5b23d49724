/** Runs that are carried elsewhere as a folder, by hand, and what comes back of them. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Run } from '../../catalog/runs.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { SlurmTarget } from '../../../src-shared/remoteTargets.ts';
import { fileSha256 } from '../../files/sha256.ts';
import { GRAFT_ROOT } from '../../files/repository.ts';
import { writeFolderAtomic } from '../../files/writeWhole.ts';
import { assembleJob, copyInput } from '../../jobs/assemble.ts';
import { readEvents } from '../../jobs/events.ts';
import { inputsOf } from '../../jobs/inputs.ts';
import { readJobFile } from '../../jobs/jobFile.ts';
import { JOB } from '../../jobs/layout.ts';
import { readOwnText } from '../../jobs/ownFile.ts';
import { jobScript, type ScriptKind } from '../../jobs/scripts/jobScript.ts';
import { readState } from '../../jobs/state.ts';
import { localMachine } from '../../remote/localMachine.ts';
import { filesOf } from '../../remote/runtime.ts';
import { recordEnd } from '../runs/recordEnd.ts';
import { logMessage, recordEvent } from '../runs/recordEvent.ts';
import type { RunStore } from '../runs/store.ts';
import { isOver, type RunView } from '../runs/view.ts';
import { collect } from './collect.ts';
import { withoutPlace } from './follow.ts';

export interface JobExport {
  /** Must not exist. */
  outDir: string;
  /** Folder of the Graft that is copied along; absent: this one. */
  graftDir?: string;
  kind: ScriptKind;
  processes?: number | undefined;
  /** Of sbatch. */
  options?: SlurmTarget['options'];
}

const RUNTIME = 'graft';

export class JobFolders {
  readonly #store: RunStore;

  constructor(store: RunStore) {
    this.#store = store;
  }

  export(id: string, options: JobExport): Promise<ExportedJob> {
    return exportJob(this.#store, this.#store.require(id), options);
  }

  import(jobDir: string): Promise<RunView> {
    return importJob(this.#store, jobDir);
  }
}

export interface ExportedJob {
  dir: string;
  /** Begins it there. */
  script: string;
  /** Typed there, in the folder, it does. */
  command: string;
  sizeBytes: number;
}

/**
 * Writes all that the run needs into one folder, with a script that begins it, whole or not at all. Throws a usage
 * error RUN_NOT_FOR_EXPORT for a run that is queued, under way or completed, FOLDER_EXISTS, and what jobScript throws.
 */
async function exportJob(
  store: RunStore,
  run: RunView,
  { outDir, graftDir = GRAFT_ROOT, kind, processes = 1, options }: JobExport,
): Promise<ExportedJob> {
  if (run.status === 'completed' || run.status === 'queued' || run.status === 'running')
    throw usageError(
      'RUN_NOT_FOR_EXPORT',
      `The run ${run.id} is ${run.status}; only one that has not begun, or is paused, stopped or failed, can be ` +
        'carried elsewhere.',
      { runId: run.id, status: run.status },
    );
  if (fs.existsSync(outDir))
    throw usageError('FOLDER_EXISTS', `${outDir} exists already; choose a new folder.`, { path: outDir });
  const script = jobScript(kind, {
    name: run.name,
    entry: `${RUNTIME}/out/main/job.js`,
    processes,
    ...(options ? { options } : {}),
  });
  const inputs = inputsOf(run.spec);
  await writeFolderAtomic(outDir, (dir) => {
    fs.chmodSync(dir, 0o700);
    copyInput(inputs.base, path.join(dir, 'base'));
    copyInput(inputs.data, path.join(dir, 'data'));
    if (inputs.start) copyInput(inputs.start, path.join(dir, 'start'));
    const places = { base: ['base'], data: 'data', ...(inputs.start ? { start: 'start' } : {}) };
    assembleJob({ spec: run.spec, name: run.name, inputs }, places, dir);
    copyRuntime(graftDir, path.join(dir, RUNTIME));
    fs.writeFileSync(path.join(dir, script.file), script.text, { mode: 0o700 });
  });
  store.log(run.id, `Written as a job to ${outDir}; bring its folder back with "job import".`);
  return {
    dir: outDir,
    script: path.join(outDir, script.file),
    command: script.command,
    sizeBytes: sizeBelow(outDir),
  };
}

function copyRuntime(from: string, to: string): void {
  for (const { place, source } of filesOf(from)) {
    const target = path.join(to, place);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.copyFileSync(source, target, fs.constants.COPYFILE_FICLONE);
  }
}

function sizeBelow(dir: string): number {
  const entries = fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, { parentPath, name }) => sum + fs.statSync(path.join(parentPath, name)).size, 0);
}

/**
 * Takes what came back of a job into its run. Throws JOB_NOT_FOUND, a usage error RUN_NOT_FOUND for a run of another
 * catalogue, JOB_NOT_OURS where base or settings are others than the run's, JOB_CHANGED where the result is not what
 * the job says, and a usage error where there is nothing to take.
 */
async function importJob(store: RunStore, jobDir: string): Promise<RunView> {
  const job = readJobFile(jobDir);
  const run = knownRun(store, job.runId, jobDir);
  if (job.base.hash !== run.spec.model.hash || JSON.stringify(job.spec.method) !== JSON.stringify(run.spec.method))
    throw new GraftError(
      'JOB_NOT_OURS',
      `The job in ${jobDir} trains another base or another method than the run ${run.name}; bring the folder back ` +
        'that was written for it.',
      { jobDir, runId: run.id },
    );
  const state = readState(jobDir);
  if (!state || state.phase === 'running' || !state.result)
    throw usageError(
      'JOB_NOT_OVER',
      `The job in ${jobDir} ${state ? `is ${state.phase} and has no result` : 'has not been begun'}; run its script ` +
        'to the end, then bring the folder back.',
      { jobDir, phase: state?.phase ?? null },
    );
  checkResult(path.join(jobDir, state.result.outDir), state.result.sha256);
  const found = await collect(localMachine(), run, { jobDir: path.resolve(jobDir) }, state.result);
  const { events } = readEvents(new TextEncoder().encode(readOwnText(path.join(jobDir, JOB.events)) ?? ''));
  store.catalog.transaction(() => {
    for (const { event, atMs } of events.map(withoutPlace)) {
      recordEvent(store.catalog, run.id, event, atMs);
      if (event.type === 'started') store.catalog.runs.update(run.id, { started: event });
    }
    const startedAt = events[0] ? new Date(events[0].atMs).toISOString() : null;
    store.catalog.runs.update(run.id, { startedAt });
    for (const message of recordEnd(store.catalog, run, found)) logMessage(store.catalog, run.id, message);
  });
  return store.announce(run.id);
}

function knownRun(store: RunStore, id: string, jobDir: string): Run {
  const run = store.catalog.runs.get(id);
  if (!run)
    throw usageError(
      'RUN_NOT_FOUND',
      `The run of the job in ${jobDir} is not in this catalogue; take its adapter alone: adapters import ` +
        `"${path.join(jobDir, JOB.outDir)}".`,
      { runId: id },
    );
  if (isOver(run) && run.status === 'completed')
    throw usageError('RUN_NOT_FOR_EXPORT', `The run ${run.name} is completed already; nothing was changed.`, {
      runId: id,
    });
  return run;
}

/** Throws JOB_CHANGED. */
function checkResult(outDir: string, sha256: string): void {
  if (fs.existsSync(outDir) && weightsSha256(outDir) === sha256) return;
  throw new GraftError(
    'JOB_CHANGED',
    `The weights in ${outDir} are not what the job has written; copy the folder again.`,
    { outDir },
  );
}

/** Of the weights file; of several shards as basemodel/rewrite.ts tells it. */
function weightsSha256(dir: string): string {
  const names = fs.readdirSync(dir).filter((name) => name.endsWith('.safetensors'));
  const [first, ...others] = names.sort().map((name) => ({ name, sha256: fileSha256(path.join(dir, name)) }));
  if (!first) return '';
  if (others.length === 0) return first.sha256;
  const lines = [first, ...others].map(({ name, sha256 }) => `${sha256}  ${name}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex');
}
