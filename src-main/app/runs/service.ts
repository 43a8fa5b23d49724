/** Training runs as callers see them: start, queue, pause, stop, resume, remove. The runner trains what is queued. */
import fs from 'node:fs';
import type { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PreflightResult } from '../../../src-shared/plan.ts';
import type { DatasetService } from '../datasets/service.ts';
import type { ModelService } from '../models/service.ts';
import type { SettingsService } from '../settings/service.ts';
import type { Home } from '../storage/home.ts';
import { ensureTask } from '../tasks/ensureTask.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import type { AwayService } from '../away/service.ts';
import type { RunEvent, RunsEvent } from './channel.ts';
import { checkStart, newOutDir, targetOf, type annotateSchema, type archiveSchema, type StartRun } from './input.ts';
import type { RunProgress } from './progressMeter.ts';
import { RunQueue } from './queue.ts';
import { runName } from './runName.ts';
import { annotateRun, archiveRuns } from './marks.ts';
import { preflightRun } from './preflightRun.ts';
import { Runner } from './runner.ts';
import { noStartTime, nothingToPause, notPaused, notQueued, notResumable, notUnderWay } from './refusals.ts';
import { keepInterim } from './stopPaused.ts';
import type { NewRun, RunStore } from './store.ts';
import { assertOver, isOver, type RunView } from './view.ts';

export interface RunParts {
  home: Home;
  catalog: Catalog;
  models: ModelService;
  datasets: DatasetService;
  settings: SettingsService;
  workers: Workers;
  engines: EngineService;
}

export class RunService {
  #parts: RunParts;
  #store: RunStore;
  #queue: RunQueue;
  #runner: Runner;
  readonly #away: AwayService;

  constructor(parts: RunParts & { store: RunStore; away: AwayService }) {
    const { catalog, workers, engines, store, away } = parts;
    this.#parts = parts;
    this.#store = store;
    this.#away = away;
    this.#queue = new RunQueue(catalog);
    this.#runner = new Runner({ store: this.#store, queue: this.#queue, workers, engines });
  }

  /** Throws a usage error RUN_NOT_FOUND. */
  require(id: string): RunView {
    return this.#store.require(id);
  }

  /** Newest first. */
  list(): RunView[] {
    return this.#store.list();
  }

  /** Queued runs of this Graft process; the first is the next. */
  queue(): RunView[] {
    return this.#queue.runs.map((run) => this.#store.view(run));
  }

  subscribe(id: string, listener: (event: RunEvent) => void): () => void {
    return this.#store.channel.subscribe(id, listener);
  }

  /** Every change of any run of this process, and its progress at most twice a second. */
  subscribeAll(listener: (event: RunsEvent) => void): () => void {
    return this.#store.channel.subscribeAll(listener);
  }

  /** Where the runs are that are trained on targets. */
  get awayProgress(): RunProgress[] {
    return this.#away.progress;
  }

  /** Where the run under way is; null where none has begun. */
  get progress(): RunProgress | null {
    return this.#runner.progress;
  }

  /** Resolves with the run when it is neither queued nor under way nor paused any more. */
  finished(id: string): Promise<RunView> {
    return this.#store.finished(id);
  }

  /**
   * Checks the request, writes the row and queues the run. A run that names no memory limit gets the one of the
   * settings. `begin: false`: it waits, paused. Throws GraftError where model, dataset or settings do not fit.
   */
  async start(input: StartRun, { begin = true } = {}): Promise<RunView> {
    const target = targetOf(input);
    if (target !== undefined) this.#away.requireTarget(target);
    const { checked, parts, spec } = await checkStart(this.#parts, this.#parts.settings.withMemoryLimit(input));
    if (target !== undefined && checked.notBefore) throw noStartTime(target);
    const run = {
      name: checked.name ?? runName(spec, this.#parts.catalog.runs.list()),
      taskId: ensureTask(this.#parts.catalog, checked.taskName).id,
      modelId: parts.model.id,
      datasetId: parts.dataset.id,
      notBefore: checked.notBefore ?? null,
      spec,
    };
    if (target === undefined) return this.add(run, { start: begin });
    this.#away.insert(run, target, () => undefined);
    this.tellQueued([spec.runId]);
    return this.require(spec.runId);
  }

  /**
   * Queues a run of a spec that has been checked (`start: false`: it waits, paused); `fill` adds rows to it in the same
   * transaction.
   */
  add(run: NewRun, { start = true, fill = () => undefined as void } = {}): RunView {
    const paused = { status: 'paused' as const, ownerPid: null, queuePosition: null };
    this.#store.insert(run, () => (start ? this.#queue.join('tail') : paused), fill);
    return this.#queued(run.spec.runId);
  }

  /**
   * Queues several runs of checked specs, here or for a target, all or none, without telling anybody; `fill` as for
   * `add`.
   */
  insertAll(runs: { run: NewRun; fill: () => void }[], target?: string): void {
    this.#parts.catalog.transaction(() => {
      for (const { run, fill } of runs)
        if (target === undefined) this.#store.insert(run, () => this.#queue.join('tail'), fill);
        else this.#away.insert(run, target, fill);
    });
  }

  /** Begins with runs that `insertAll` has queued. */
  tellQueued(ids: string[]): void {
    for (const id of ids) this.#queued(id);
    this.#away.begin();
  }

  preflight(input: StartRun): Promise<PreflightResult> {
    return preflightRun(this.#parts, input);
  }

  /** As Runner.takeTurn. */
  takeTurn(): () => void {
    return this.#runner.takeTurn();
  }

  /** Continues a failed or stopped run from its run state. Throws NOT_RESUMABLE when there is none. */
  resume(id: string): RunView {
    const run = this.require(id);
    this.#store.assertStored(id);
    if (!run.resumable) throw notResumable(run);
    return this.#again(run);
  }

  /**
   * Queues a run again that nobody has queued or under way: it goes on from its run state, or begins anew where there
   * is none.
   */
  restart(id: string, end: 'head' | 'tail' = 'tail'): RunView {
    this.#store.assertStored(id);
    return this.#again(this.require(id), end);
  }

  #again(run: RunView, end: 'head' | 'tail' = 'tail'): RunView {
    const { id } = run;
    const spec = { ...run.spec };
    if (run.result) spec.outDir = newOutDir(this.#parts.home, spec.method.type);
    // Without a result no row names this folder: a crash came between its rename and the row.
    else fs.rmSync(spec.outDir, { recursive: true, force: true });
    const fresh = { spec, error: null, result: null, endedAt: null, notBefore: null };
    if (run.away) return this.#away.again(run, fresh);
    this.#parts.catalog.runs.update(id, { ...this.#queue.join(end), ...fresh });
    return this.#queued(id);
  }

  /**
   * Ends a run early. What was trained so far is kept as an adapter; a queued run, or one that has not begun, just
   * ends.
   */
  stop(id: string): RunView {
    const run = this.require(id);
    if (run.away && !isOver(run) && run.status !== 'paused') return this.#away.ask(run, 'stop');
    if (run.status === 'paused' && run.ownerPid === null) {
      keepInterim(this.#parts.catalog, run);
      return this.#store.announce(id);
    }
    if (this.#queue.has(id)) {
      const endedAt = new Date().toISOString();
      return this.#store.update(id, { status: 'stopped', ownerPid: null, queuePosition: null, endedAt });
    }
    return this.#ask(run, 'stop');
  }

  /**
   * Ends the worker after its current step, with a run state and an interim adapter; the queue goes on. Throws a usage
   * error RUN_NOT_UNDER_WAY.
   */
  pause(id: string): RunView {
    const run = this.require(id);
    if (run.away && run.status === 'running') return this.#away.ask(run, 'pause');
    if (this.#queue.has(id) || (run.away && run.status === 'queued')) throw nothingToPause(run);
    return this.#ask(run, 'pause');
  }

  /**
   * Puts a paused run at the head of the queue; it goes on exactly where it was. Throws a usage error RUN_NOT_PAUSED.
   */
  continue(id: string): RunView {
    const run = this.require(id);
    if (run.status !== 'paused') throw notPaused(run);
    if (run.away) return this.#away.again(run, { error: null, notBefore: null });
    this.#parts.catalog.runs.update(id, { ...this.#queue.join('head'), error: null, notBefore: null });
    return this.#queued(id);
  }

  /** As Runner.hold. */
  hold(id: string, held: boolean, message: string): boolean {
    return this.#runner.hold(id, held, message);
  }

  /** `ids`: all queued runs in their new order. Throws a usage error QUEUE_CHANGED. */
  reorder(ids: string[]): RunView[] {
    this.#queue.reorder(ids);
    return ids.map((id) => this.#store.announce(id));
  }

  /**
   * A queued run waits until this time; null: only for its turn, where one that has no other ahead of it starts now.
   * Throws a usage error RUN_NOT_QUEUED.
   */
  schedule(id: string, notBefore: string | null): RunView {
    const run = this.require(id);
    if (!this.#queue.has(id)) throw notQueued(run);
    this.#parts.catalog.runs.update(id, { notBefore });
    return this.#queued(id);
  }

  rename(id: string, name: string): RunView {
    this.require(id);
    return this.#store.update(id, { name });
  }

  annotate(input: z.output<typeof annotateSchema>): RunView {
    return annotateRun(this.#store, input);
  }

  archive(input: z.output<typeof archiveSchema>): RunView[] {
    return archiveRuns(this.#store, this.#parts.catalog, input);
  }

  /** Removes a run that is over, with its folder; adapters stay. Throws a usage error RUN_NOT_OVER. */
  remove(id: string): void {
    const run = this.require(id);
    assertOver(run, 'remove');
    this.#store.assertStored(id);
    this.#away.forget(run);
    this.#store.remove(run);
  }

  /** Begins with the queue as it is in the catalogue, runs of a dead Graft process among it. */
  begin(): void {
    void this.#runner.next();
  }

  /**
   * No run starts after this; the one under way becomes failed, resumable where it has a run state. Returns what it
   * may have been writing; the caller ends the workers, then removes what is half-written.
   */
  close(): string[] {
    const { catalog } = this.#parts;
    try {
      catalog.tryWrite(() => {
        for (const { id } of this.#queue.runs) catalog.runs.update(id, { ownerPid: null });
      });
    } catch {
      // Damaged: the workers must end all the same. The next start sees that this process is gone.
    }
    return this.#runner.close();
  }

  #queued(id: string): RunView {
    const run = this.#store.announce(id);
    void this.#runner.next();
    return this.#runner.isActive(id) ? this.require(id) : run;
  }

  #ask(run: RunView, action: 'pause' | 'stop'): RunView {
    const asked = this.#runner.ask(run.id, action);
    if (asked) return asked;
    throw notUnderWay(run);
  }
}
