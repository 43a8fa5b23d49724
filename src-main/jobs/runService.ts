/**
 * Training runs: one at a time, a queue behind it. It owns the rows of runs, stores what the worker reports, and lets
 * others listen. The training itself happens in the worker process.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import type { Run } from '../catalog/runs.ts';
import { GraftError, toErrorData, usageError } from '../errors.ts';
import { newId } from '../home.ts';
import type { Home } from '../home.ts';
import { checkBaseDtype } from '../trainer/baseDtype.ts';
import { describeMethod, type MethodText } from '../trainer/describeMethod.ts';
import { CHECKPOINT_FILE } from '../trainer/protocol.ts';
import type { PreflightResult, RunSpec, TrainEvent, TrainResult } from '../trainer/protocol.ts';
import type { EngineService } from './engines.ts';
import { recordResult } from './recordResult.ts';
import { removePartials } from './removePartials.ts';
import { buildSpec, checkModel, findParts, newOutDir, startRunSchema } from './runInput.ts';
import type { StartRun, StartRunChecked } from './runInput.ts';
import { Watchers } from './watchers.ts';
import type { WorkerCall, WorkerClient, Workers } from './workerClient.ts';

/** A run with what the catalogue cannot know: whether a checkpoint lies on disk to go on from. */
export interface RunView extends Run {
  resumable: boolean;
  /** Name and main numbers of the method. */
  methodText: MethodText;
}

export type RunEvent = TrainEvent | { type: 'status'; run: RunView };

interface Active {
  runId: string;
  client: WorkerClient;
  call?: WorkerCall<'train'>;
  /** Stop was asked for before the training call was made. */
  stopAsked: boolean;
}

export class RunService {
  #home: Home;
  #catalog: Catalog;
  #workers: Workers;
  #engines: EngineService;
  #queue: string[] = [];
  #active: Active | undefined;
  #closed = false;
  #watchers = new Watchers<RunEvent>();

  constructor(home: Home, catalog: Catalog, workers: Workers, engines: EngineService) {
    this.#home = home;
    this.#catalog = catalog;
    this.#workers = workers;
    this.#engines = engines;
  }

  list(): RunView[] {
    return this.#catalog.runs.list().map(view);
  }

  /** Throws a usage error RUN_NOT_FOUND. */
  get(id: string): RunView {
    const run = this.#catalog.runs.get(id);
    if (!run) throw usageError('RUN_NOT_FOUND', `There is no run ${id} in the catalogue; "runs" lists those that exist.`, { runId: id });
    return view(run);
  }

  subscribe(id: string, listener: (event: RunEvent) => void): () => void {
    return this.#watchers.subscribe(id, listener);
  }

  /** Checks the request, writes the row and queues the run. Throws GraftError where model, dataset or settings do not fit. */
  start(input: StartRun): RunView {
    const { checked, parts, spec } = this.#checked(input);
    fs.mkdirSync(spec.runDir, { recursive: true });
    this.#catalog.transaction(() => {
      this.#catalog.runs.insert({
        id: spec.runId,
        name: checked.name ?? checked.taskName,
        taskId: this.#taskFor(checked.taskName),
        modelId: parts.model.id,
        datasetId: parts.dataset.id,
        status: 'queued',
        spec,
        started: null,
        error: null,
        result: null,
        ownerPid: process.pid,
        pid: null,
        createdAt: new Date().toISOString(),
        startedAt: null,
        endedAt: null,
      });
    });
    return this.#enqueue(spec.runId);
  }

  /** Takes one step of the run that `input` would start, in a worker of its own; nothing is kept. Throws what the run itself would. */
  async preflight(input: StartRun): Promise<PreflightResult> {
    const { spec } = this.#checked(input);
    return this.#workers.once('preflight', { spec: { ...spec, engine: await this.#engines.resolve(spec.engine) } });
  }

  /** Continues a failed or stopped run from its checkpoint. Throws NOT_RESUMABLE when there is none. */
  resume(id: string): RunView {
    const run = this.get(id);
    if (!run.resumable) {
      const why = run.status === 'failed' || run.status === 'stopped' ? 'has no checkpoint; start it again' : `is ${run.status}; only a failed or stopped run can be resumed`;
      throw new GraftError('NOT_RESUMABLE', `The run ${id} ${why}.`, { runId: id, status: run.status });
    }
    const spec = { ...run.spec };
    if (run.result) spec.outDir = newOutDir(this.#home, spec.method.type);
    // Without a result no row names this folder: a crash came between its rename and the row.
    else fs.rmSync(spec.outDir, { recursive: true, force: true });
    this.#update(id, { status: 'queued', spec, error: null, result: null, ownerPid: process.pid, endedAt: null });
    return this.#enqueue(id);
  }

  /** Ends a run early. What was trained so far is kept as an adapter; a queued run just leaves the queue. */
  stop(id: string): RunView {
    const at = this.#queue.indexOf(id);
    if (at >= 0) {
      this.#queue.splice(at, 1);
      return this.#update(id, { status: 'stopped', ownerPid: null, endedAt: new Date().toISOString() });
    }
    const active = this.#activeFor(id);
    active.stopAsked = true;
    active.call?.control('stop');
    return this.get(id);
  }

  pause(id: string): RunView {
    this.#activeFor(id).call?.control('pause');
    return this.get(id);
  }

  continue(id: string): RunView {
    this.#activeFor(id).call?.control('continue');
    return this.get(id);
  }

  /** Resolves with the run when it is neither queued nor under way any more. */
  finished(id: string): Promise<RunView> {
    return new Promise((resolve) => {
      const unsubscribe = this.subscribe(id, (event) => event.type === 'status' && check(event.run));
      const check = (run: RunView): void => {
        if (!isOver(run)) return;
        unsubscribe();
        resolve(run);
      };
      check(this.get(id));
    });
  }

  /** Queues runs that a dead Graft process had queued. */
  takeOver(runs: Run[]): void {
    for (const run of runs) this.#enqueue(run.id);
  }

  /**
   * No run starts after this; the one under way becomes failed, resumable where it has a checkpoint. Returns what it may
   * have been writing; the caller ends the workers, then removes what is half-written.
   */
  close(): string[] {
    this.#closed = true;
    const now = new Date().toISOString();
    const error = toErrorData(new GraftError('RUN_ABANDONED', 'Graft was closed while this run was under way; resume it to go on from its last checkpoint.'));
    for (const id of this.#queue.splice(0)) this.#catalog.runs.update(id, { ownerPid: null });
    if (!this.#active) return [];
    const run = this.#catalog.runs.update(this.#active.runId, { status: 'failed', error, ownerPid: null, pid: null, endedAt: now });
    return targetsOf(run);
  }

  #checked(input: StartRun): { checked: StartRunChecked; parts: ReturnType<typeof findParts>; spec: RunSpec } {
    const checked = startRunSchema.parse(input);
    checkBaseDtype(checked.baseDtype, checked.engine, checked.method.type);
    const parts = findParts(this.#catalog, checked);
    checkModel(parts.model, checked);
    return { checked, parts, spec: buildSpec(this.#home, checked, parts) };
  }

  #enqueue(id: string): RunView {
    this.#queue.push(id);
    void this.#next();
    return this.get(id);
  }

  async #next(): Promise<void> {
    if (this.#active || this.#closed) return;
    const id = this.#queue.shift();
    if (id === undefined) return;
    try {
      await this.#execute(id);
    } catch (error) {
      if (!this.#closed) this.#fail(id, error);
    }
    void this.#next();
  }

  async #execute(id: string): Promise<void> {
    const active: Active = { runId: id, client: this.#workers.spawn(), stopAsked: false };
    this.#active = active;
    try {
      const resume = fs.existsSync(checkpointFile(this.get(id)));
      const startedAt = this.get(id).startedAt ?? new Date().toISOString();
      this.#update(id, { status: 'running', pid: active.client.pid ?? null, startedAt });
      const spec = { ...this.get(id).spec };
      // A resumed run repeats the uninterrupted one only on the same engine, so the choice is part of the spec.
      spec.engine = await this.#engines.resolve(spec.engine);
      this.#catalog.runs.update(id, { spec });
      active.call = active.client.call('train', { spec, resume }, (event) => this.#record(id, event));
      if (active.stopAsked) active.call.control('stop');
      const result = await active.call.promise;
      this.#complete(id, result);
    } finally {
      active.client.kill();
      this.#active = undefined;
    }
  }

  #record(id: string, event: TrainEvent): void {
    if (this.#closed) return;
    const { metrics } = this.#catalog;
    if (event.type === 'started') {
      metrics.dropAfter(id, event.resumedFrom);
      this.#update(id, { started: event });
    } else if (event.type === 'step') metrics.put(id, event);
    else if (event.type === 'eval') metrics.putEvaluation(id, event);
    else if (event.type === 'paused') this.#update(id, { status: 'paused' });
    else if (event.type === 'continued') this.#update(id, { status: 'running' });
    this.#watchers.emit(id, event);
  }

  #complete(id: string, result: TrainResult): void {
    if (this.#closed) return;
    recordResult(this.#catalog, this.get(id), result);
    this.#announce(id);
  }

  #fail(id: string, cause: unknown): void {
    const run = this.get(id);
    targetsOf(run).forEach(removePartials);
    const error = toErrorData(cause);
    const changes = { status: 'failed' as const, error, ownerPid: null, pid: null, endedAt: new Date().toISOString() };
    try {
      this.#update(id, changes);
    } catch (notStored) {
      // The catalogue's disk may be full: who listens hears of it all the same, and the next start mends the row.
      this.#watchers.emit(id, { type: 'status', run: view({ ...run, ...changes, error: toErrorData(notStored) }) });
    }
  }

  #update(id: string, changes: Partial<Run>): RunView {
    this.#catalog.runs.update(id, changes);
    return this.#announce(id);
  }

  #announce(id: string): RunView {
    const run = this.get(id);
    this.#watchers.emit(id, { type: 'status', run });
    return run;
  }

  #activeFor(id: string): Active {
    const run = this.get(id);
    if (this.#active?.runId === id) return this.#active;
    const why = isOver(run) ? `is already ${run.status}` : run.ownerPid === process.pid ? 'is still queued' : `belongs to another Graft process (${run.ownerPid}); use it there`;
    throw usageError('RUN_NOT_UNDER_WAY', `The run ${id} ${why}.`, { runId: id, status: run.status });
  }

  #taskFor(name: string): string {
    const task = this.#catalog.tasks.byName(name);
    if (task) return task.id;
    const id = newId('task');
    this.#catalog.tasks.insert({ id, name, createdAt: new Date().toISOString() });
    return id;
  }
}

export function isOver(run: Run): boolean {
  return run.status === 'completed' || run.status === 'stopped' || run.status === 'failed';
}

/** What the worker of this run writes. */
export function targetsOf(run: Run): string[] {
  return [run.spec.outDir, checkpointFile(run)];
}

function checkpointFile(run: Run): string {
  return path.join(run.spec.runDir, CHECKPOINT_FILE);
}

function view(run: Run): RunView {
  return { ...run, methodText: describeMethod(run.spec.method), resumable: (run.status === 'failed' || run.status === 'stopped') && fs.existsSync(checkpointFile(run)) };
}
