/**
 * Training runs: one at a time, a queue behind it. It owns the rows of runs, stores what the worker reports, and lets
 * others listen. The training itself happens in the worker process, which ends with every run and at every pause.
 */
import fs from 'node:fs';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { GraftError, toErrorData, usageError } from '../../../src-shared/errors.ts';
import type { Home } from '../home.ts';
import { trainSettingsSchema } from '../../../src-shared/settings/training.ts';
import type { PreflightResult } from '../../../src-shared/plan.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import type { EngineService } from '../workers/engines.ts';
import { presentSpec } from './presentSpec.ts';
import { ProgressMeter, type RunProgress } from './progressMeter.ts';
import { RunQueue } from './queue.ts';
import { logMessage, recordEvent } from './recordEvent.ts';
import { recordResult } from './recordResult.ts';
import { removePartials } from '../../files/removePartials.ts';
import { RunChannel, type RunEvent, type RunsEvent } from './channel.ts';
import { runFailure } from './failure.ts';
import { checkStart, newOutDir, taskFor } from './input.ts';
import type { StartRun } from './input.ts';
import { hasCheckpoint, isOver, targetsOf, viewOf } from './view.ts';
import type { RunView } from './view.ts';
import { keepInterim } from './stopPaused.ts';
import type { WorkerCall, WorkerClient, Workers } from '../workers/client.ts';

interface Active {
  runId: string;
  client: WorkerClient;
  call?: WorkerCall<'train'>;
  asked: 'pause' | 'stop' | null;
  /** Present once the worker has said that training begins. */
  meter?: ProgressMeter;
}

export class RunService {
  #home: Home;
  #catalog: Catalog;
  #workers: Workers;
  #engines: EngineService;
  #queue: RunQueue;
  #active: Active | undefined;
  /** Runs whose failure could not be stored; their rows still say that they are queued. */
  #unstored = new Set<string>();
  #closed = false;
  #channel = new RunChannel();

  constructor(home: Home, catalog: Catalog, workers: Workers, engines: EngineService) {
    this.#home = home;
    this.#catalog = catalog;
    this.#workers = workers;
    this.#engines = engines;
    this.#queue = new RunQueue(catalog);
  }

  list(): RunView[] {
    return this.#catalog.runs.list().map((run) => this.#view(run));
  }

  /** Queued runs of this Graft process; the first is the next. */
  queue(): RunView[] {
    return this.#queue.runs.map((run) => this.#view(run));
  }

  /** Throws a usage error RUN_NOT_FOUND. */
  get(id: string): RunView {
    const run = this.#catalog.runs.get(id);
    if (!run)
      throw usageError('RUN_NOT_FOUND', `There is no run ${id} in the catalogue; "runs" lists those that exist.`, {
        runId: id,
      });
    return this.#view(run);
  }

  subscribe(id: string, listener: (event: RunEvent) => void): () => void {
    return this.#channel.subscribe(id, listener);
  }

  /** Every change of any run of this process, and its progress at most twice a second. */
  subscribeAll(listener: (event: RunsEvent) => void): () => void {
    return this.#channel.subscribeAll(listener);
  }

  /** Where the run under way is; null where none has begun. */
  get progress(): RunProgress | null {
    return this.#active?.meter?.latest ?? null;
  }

  /**
   * Checks the request, writes the row and queues the run. Throws GraftError where model, dataset or settings do not
   * fit.
   */
  start(input: StartRun): RunView {
    const { checked, parts, spec } = checkStart(this.#home, this.#catalog, input);
    return this.add({
      name: checked.name ?? checked.taskName,
      taskId: taskFor(this.#catalog, checked.taskName),
      modelId: parts.model.id,
      datasetId: parts.dataset.id,
      spec,
    });
  }

  /**
   * Queues a run of a spec that has been checked (`start: false`: it waits, paused); `fill` adds rows to it in the same
   * transaction.
   */
  add(
    run: Pick<Run, 'name' | 'taskId' | 'modelId' | 'datasetId' | 'spec'> & Partial<Run>,
    { start = true, fill = () => undefined as void } = {},
  ): RunView {
    const { runId, runDir } = run.spec;
    fs.mkdirSync(runDir, { recursive: true });
    this.#catalog.transaction(() => {
      const place = start
        ? this.#queue.join('tail')
        : { status: 'paused' as const, ownerPid: null, queuePosition: null };
      this.#catalog.runs.insert({
        started: null,
        error: null,
        result: null,
        pid: null,
        createdAt: new Date().toISOString(),
        startedAt: null,
        endedAt: null,
        ...run,
        id: runId,
        ...place,
      });
      fill();
    });
    return this.#queued(runId);
  }

  /**
   * Takes one step of the run that `input` would start, in a worker of its own; nothing is kept. Throws what the run
   * itself would.
   */
  async preflight(input: StartRun): Promise<PreflightResult> {
    const { spec } = checkStart(this.#home, this.#catalog, input);
    return this.#workers.once('preflight', { spec: { ...spec, engine: await this.#engines.resolve(spec.engine) } });
  }

  /** Continues a failed or stopped run from its checkpoint. Throws NOT_RESUMABLE when there is none. */
  resume(id: string): RunView {
    const run = this.get(id);
    if (!run.resumable) {
      const why =
        run.status === 'failed' || run.status === 'stopped'
          ? 'has no checkpoint; start it again'
          : `is ${run.status}; only a failed or stopped run can be resumed`;
      throw new GraftError('NOT_RESUMABLE', `The run ${id} ${why}.`, { runId: id, status: run.status });
    }
    const spec = { ...run.spec };
    if (run.result) spec.outDir = newOutDir(this.#home, spec.method.type);
    // Without a result no row names this folder: a crash came between its rename and the row.
    else fs.rmSync(spec.outDir, { recursive: true, force: true });
    this.#catalog.runs.update(id, { ...this.#queue.join('tail'), spec, error: null, result: null, endedAt: null });
    return this.#queued(id);
  }

  /**
   * Ends a run early. What was trained so far is kept as an adapter; a queued run, or one that has not begun, just
   * ends.
   */
  stop(id: string): RunView {
    const run = this.get(id);
    if (run.status === 'paused' && run.ownerPid === null) {
      keepInterim(this.#catalog, run);
      return this.#announce(id);
    }
    if (this.#queue.has(id))
      return this.#update(id, {
        status: 'stopped',
        ownerPid: null,
        queuePosition: null,
        endedAt: new Date().toISOString(),
      });
    return this.#ask(this.#activeFor(run), 'stop');
  }

  /**
   * Ends the worker after its current step, with a checkpoint and an interim adapter; the queue goes on. Throws a usage
   * error RUN_NOT_UNDER_WAY.
   */
  pause(id: string): RunView {
    const run = this.get(id);
    if (this.#queue.has(id))
      throw usageError(
        'RUN_NOT_UNDER_WAY',
        `The run ${id} is still queued, so there is nothing to pause; move it down in the queue, or stop it.`,
        { runId: id, status: run.status },
      );
    return this.#ask(this.#activeFor(run), 'pause');
  }

  /**
   * Puts a paused run at the head of the queue; it goes on exactly where it was. Throws a usage error RUN_NOT_PAUSED.
   */
  continue(id: string): RunView {
    const run = this.get(id);
    if (run.status !== 'paused')
      throw usageError(
        'RUN_NOT_PAUSED',
        `The run ${id} is ${run.status}, not paused; only a paused run can be continued.`,
        { runId: id, status: run.status },
      );
    this.#catalog.runs.update(id, { ...this.#queue.join('head'), error: null });
    return this.#queued(id);
  }

  /** `ids`: all queued runs in their new order. Throws a usage error QUEUE_CHANGED. */
  reorder(ids: string[]): RunView[] {
    this.#queue.reorder(ids);
    return ids.map((id) => this.#announce(id));
  }

  rename(id: string, name: string): RunView {
    this.get(id);
    return this.#update(id, { name });
  }

  /** Removes a run that is over, with its folder; adapters stay. Throws a usage error RUN_NOT_OVER. */
  remove(id: string): void {
    const run = this.get(id);
    if (!isOver(run))
      throw usageError('RUN_NOT_OVER', `The run ${id} is ${run.status}; stop it before you remove it.`, {
        runId: id,
        status: run.status,
      });
    this.#catalog.runs.remove(id);
    fs.rmSync(run.spec.runDir, { recursive: true, force: true });
    this.#channel.removed(id);
  }

  /** Resolves with the run when it is neither queued nor under way nor paused any more. */
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

  /** Begins with the queue as it is in the catalogue, runs of a dead Graft process among it. */
  begin(): void {
    void this.#next();
  }

  /**
   * No run starts after this; the one under way becomes failed, resumable where it has a checkpoint. Returns what it
   * may have been writing; the caller ends the workers, then removes what is half-written.
   */
  close(): string[] {
    this.#closed = true;
    const now = new Date().toISOString();
    const error = toErrorData(
      new GraftError(
        'RUN_ABANDONED',
        'Graft was closed while this run was under way; resume it to go on from its last checkpoint.',
      ),
    );
    for (const { id } of this.#queue.runs) this.#catalog.runs.update(id, { ownerPid: null });
    if (!this.#active) return [];
    const run = this.#catalog.runs.update(this.#active.runId, {
      status: 'failed',
      error,
      ownerPid: null,
      pid: null,
      endedAt: now,
    });
    return targetsOf(run);
  }

  #queued(id: string): RunView {
    const run = this.#announce(id);
    void this.#next();
    return this.#active?.runId === id ? this.get(id) : run;
  }

  async #next(): Promise<void> {
    if (this.#active || this.#closed) return;
    const run = this.#queue.runs.find(({ id }) => !this.#unstored.has(id));
    if (!run) return;
    try {
      await this.#execute(run.id);
    } catch (error) {
      if (!this.#closed) this.#fail(run.id, error);
    }
    void this.#next();
  }

  async #execute(id: string): Promise<void> {
    const active: Active = { runId: id, client: this.#workers.spawn(), asked: null };
    this.#active = active;
    try {
      const startedAt = this.get(id).startedAt ?? new Date().toISOString();
      this.#update(id, { status: 'running', queuePosition: null, pid: active.client.pid ?? null, startedAt });
      const result = await this.#train(active);
      await active.client.end();
      this.#active = undefined;
      if (this.#closed) return;
      this.#ended(id, result ?? active.asked);
      // asked for while the pause was being written
      if (result?.outcome === 'paused' && active.asked === 'stop') this.stop(id);
    } finally {
      active.client.kill();
      this.#active = undefined;
    }
  }

  /** Null where it was asked to pause or to stop before training began. */
  async #train(active: Active): Promise<TrainResult | null> {
    const { runId: id, client } = active;
    const run = this.get(id);
    // A resumed run repeats the uninterrupted one only on the same engine, so the choice is part of the spec.
    const train = trainSettingsSchema.parse(run.spec.train); // rows of before lack what has come since
    const spec = { ...run.spec, train, engine: await this.#engines.resolve(run.spec.engine) };
    if (this.#closed || active.asked) return null;
    this.#catalog.runs.update(id, { spec });
    active.call = client.call('train', { spec, resume: hasCheckpoint(run) }, (event) => this.#record(active, event));
    try {
      return await active.call.promise;
    } catch (error) {
      if (active.asked && !active.meter) return null; // its worker was ended for it
      throw error;
    }
  }

  #ask(active: Active, action: 'pause' | 'stop'): RunView {
    active.asked = active.asked === 'stop' ? 'stop' : action;
    // Before training begins there is nothing to save, and reading a model hears of nothing.
    if (active.meter) active.call?.control(action);
    else if (active.call) active.client.kill();
    return this.#announce(active.runId);
  }

  #record(active: Active, event: TrainEvent): void {
    if (this.#closed) return;
    const { runId: id } = active;
    recordEvent(this.#catalog, id, event);
    if (event.type === 'started') {
      active.meter = new ProgressMeter(id, event.totalSteps, this.get(id).spec.train.evalEvery);
      this.#update(id, { started: event });
    }
    this.#channel.event(id, event);
    const progress = event.type === 'step' ? active.meter?.push(event, performance.now()) : null;
    if (progress) this.#channel.progress(progress);
  }

  /** With the worker's result, or with what ended the run before it began. */
  #ended(id: string, end: TrainResult | Active['asked']): void {
    const at = { ownerPid: null, pid: null };
    if (end === 'stop' || end === null) {
      this.#log(id, 'Stopped before training began.');
      this.#update(id, { ...at, status: 'stopped', endedAt: new Date().toISOString() });
    } else if (end === 'pause') {
      this.#log(id, 'Paused before training began.');
      this.#update(id, { ...at, status: 'paused' });
    } else if (end.outcome === 'paused') {
      this.#log(id, `Paused after step ${end.steps}; its memory is free again.`);
      this.#update(id, { ...at, status: 'paused', interim: end });
    } else {
      recordResult(this.#catalog, this.get(id), { ...end, outcome: end.outcome });
      this.#log(
        id,
        `${end.outcome === 'stopped' ? 'Stopped' : 'Completed'} after step ${end.steps}; the result is in ` +
          `${end.outDir}.`,
      );
      this.#announce(id);
    }
  }

  #fail(id: string, cause: unknown): void {
    const run = this.get(id);
    targetsOf(run).forEach(removePartials);
    const error = runFailure(run, cause);
    const changes = {
      status: 'failed' as const,
      error,
      ownerPid: null,
      pid: null,
      queuePosition: null,
      endedAt: new Date().toISOString(),
    };
    try {
      this.#log(id, error.message);
      this.#update(id, changes);
    } catch (notStored) {
      // The catalogue's disk may be full: who listens hears of it all the same, and the next start mends the row.
      this.#unstored.add(id);
      this.#channel.status(viewOf({ ...run, ...changes, error: toErrorData(notStored) }));
    }
  }

  #log(id: string, message: string): void {
    logMessage(this.#catalog, id, message);
    this.#channel.event(id, { type: 'log', message });
  }

  #update(id: string, changes: Partial<Run>): RunView {
    this.#catalog.runs.update(id, changes);
    return this.#announce(id);
  }

  #announce(id: string): RunView {
    const run = this.get(id);
    this.#channel.status(run);
    return run;
  }

  /** With model and rows where they lie now, so that whatever goes on from a run finds them. */
  #view(run: Run): RunView {
    return viewOf(
      { ...run, spec: presentSpec(this.#catalog, run) },
      this.#active?.runId === run.id ? this.#active.asked : null,
    );
  }

  #activeFor(run: RunView): Active {
    if (this.#active?.runId === run.id) return this.#active;
    const why =
      isOver(run) || run.status === 'paused'
        ? `is already ${run.status}`
        : `belongs to another Graft process (${run.ownerPid}); use it there`;
    throw usageError('RUN_NOT_UNDER_WAY', `The run ${run.id} ${why}.`, { runId: run.id, status: run.status });
  }
}
