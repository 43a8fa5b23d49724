/** Runs that are carried elsewhere as a folder, by hand, and what comes back of them. */
import fs from 'node:fs';
import path from 'node:path';
import type { Run } from '../../catalog/runs.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { SlurmTarget } from '../../../src-shared/remoteTargets.ts';
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
import { logMessage, recordAgain } from '../runs/recordEvent.ts';
import { newOutDir } from '../runs/input.ts';
import type { RunStore } from '../runs/store.ts';
import type { RunView } from '../runs/view.ts';
import type { Home } from '../storage/home.ts';
import { checkResult } from './checkResult.ts';
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
  readonly #home: Home;
  readonly #store: RunStore;

  constructor({ home, store }: { home: Home; store: RunStore }) {
    this.#home = home;
    this.#store = store;
  }

  export(id: string, options: JobExport): Promise<ExportedJob> {
    return exportJob(this.#store, this.#store.require(id), options);
  }

  import(jobDir: string): Promise<RunView> {
    return importJob(this.#home, this.#store, jobDir);
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
  await writeFolderAtomic(outDir, async (dir) => {
    fs.chmodSync(dir, 0o700);
    await copyInput(inputs.base, path.join(dir, 'base'));
    await copyInput(inputs.data, path.join(dir, 'data'));
    if (inputs.start) await copyInput(inputs.start, path.join(dir, 'start'));
    const places = { base: ['base'], data: 'data', ...(inputs.start ? { start: 'start' } : {}) };
    await assembleJob({ spec: run.spec, name: run.name, inputs }, places, dir);
    await copyRuntime(graftDir, path.join(dir, RUNTIME));
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

async function copyRuntime(from: string, to: string): Promise<void> {
  for (const { place, source } of filesOf(from)) {
    const target = path.join(to, place);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    await fs.promises.copyFile(source, target, fs.constants.COPYFILE_FICLONE);
  }
}

function sizeBelow(dir: string): number {
  const entries = fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, { parentPath, name }) => sum + fs.statSync(path.join(parentPath, name)).size, 0);
}

/**
 * Takes what came back of a job into its run. Throws JOB_NOT_FOUND, a usage error RUN_NOT_FOUND for a run of another
 * catalogue, JOB_NOT_OURS where base or settings are others than the run's, JOB_CHANGED where the result is not what
 * the job says, and a usage error where there is nothing to take, or the run has it already.
 */
async function importJob(home: Home, store: RunStore, jobDir: string): Promise<RunView> {
  const job = readJobFile(jobDir);
  const run = knownRun(store, job.runId, jobDir);
  if (job.base.hash !== run.spec.model.hash || settingsOf(job.spec) !== settingsOf(run.spec))
    throw new GraftError(
      'JOB_NOT_OURS',
      `The job in ${jobDir} trains another base or with other settings than the run ${run.name}; bring the folder ` +
        'back that was written for it.',
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
  const { result } = state;
  const has = run.result ?? run.interim;
  if (has?.sha256 === result.sha256 && has.steps === result.steps)
    throw usageError('RUN_NOT_FOR_EXPORT', `The run ${run.name} has this result already; nothing was changed.`, {
      runId: run.id,
    });
  if (result.outcome !== 'paused') checkResult(path.join(jobDir, JOB.outDir), result.sha256);
  const { events } = readEvents(new TextEncoder().encode(readOwnText(path.join(jobDir, JOB.events)) ?? ''));
  // The adapter that it has by now stays.
  const spec = run.result ? { ...run.spec, outDir: newOutDir(home, run.spec.method.type) } : run.spec;
  const taken = { ...run, spec };
  const found = await collect(localMachine(), taken, { jobDir: path.resolve(jobDir) }, result);
  store.catalog.transaction(() => {
    const told = events.map(withoutPlace);
    recordAgain(store.catalog, run.id, told);
    const started = told.flatMap(({ event }) => (event.type === 'started' ? event : [])).at(-1);
    const startedAt = events[0] ? new Date(events[0].atMs).toISOString() : null;
    store.catalog.runs.update(run.id, { spec, error: null, endedAt: null, startedAt, ...(started ? { started } : {}) });
    for (const message of recordEnd(store.catalog, taken, found)) logMessage(store.catalog, run.id, message);
  });
  return store.announce(run.id);
}

/** What decides what is trained, as text. */
function settingsOf({ method, objective, train, data }: Run['spec']): string {
  const { memoryLimitBytes: _ofThisMachine, ...settings } = train;
  const { file: _whereItLies, ...rows } = data;
  return JSON.stringify(sorted({ method, objective, settings, rows }));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, part]) => [name, sorted(part)]));
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
  if (run.status === 'completed' || run.status === 'queued' || run.status === 'running')
    throw usageError(
      'RUN_NOT_FOR_EXPORT',
      run.status === 'completed'
        ? `The run ${run.name} is completed already; nothing was changed.`
        : `The run ${run.name} is ${run.status} by now; stop it before you bring in what was trained elsewhere.`,
      { runId: id, status: run.status },
    );
  return run;
}
