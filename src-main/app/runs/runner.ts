/**
 * Runs what is queued, one run at a time. The training itself happens in a worker process, which ends with every run
 * and at every pause, and gives its memory back.
 */
import type { Run } from '../../catalog/runs.ts';
import { removePartials } from '../../files/removePartials.ts';
import { endNote } from '../../../src-shared/endNote.ts';
import { toErrorData } from '../../../src-shared/errors.ts';
import { trainSettingsSchema } from '../../../src-shared/settings/training.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import type { WorkerCall, WorkerClient, Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import { runAbandoned, runFailure } from './failure.ts';
import { ProgressMeter, type RunProgress } from './progressMeter.ts';
import type { RunQueue } from './queue.ts';
import { recordEvent } from './recordEvent.ts';
import { recordResult } from './recordResult.ts';
import { keepInterim } from './stopPaused.ts';
import type { RunStore } from './store.ts';
import { hasRunState, targetsOf, viewOf, type RunView } from './view.ts';

type Action = 'pause' | 'stop';

interface Active {
  runId: string;
  client: WorkerClient;
  call?: WorkerCall<'train'>;
  asked: Action | null;
  /** Present once the worker has said that training begins. */
  meter?: ProgressMeter;
}

export class Runner {
  #store: RunStore;
  #queue: RunQueue;
  #workers: Workers;
  #engines: EngineService;
  #active: Active | undefined;
  /** Runs whose failure could not be stored; their rows still say that they are queued. */
  #unstored = new Set<string>();
  #closed = false;

  constructor(parts: { store: RunStore; queue: RunQueue; workers: Workers; engines: EngineService }) {
    this.#store = parts.store;
    this.#queue = parts.queue;
    this.#workers = parts.workers;
    this.#engines = parts.engines;
  }

  /** Where the run under way is; null where none has begun. */
  get progress(): RunProgress | null {
    return this.#active?.meter?.latest ?? null;
  }

  isActive(id: string): boolean {
    return this.#active?.runId === id;
  }

  /** Starts the next queued run, unless one is under way; it goes on by itself from there. */
  async next(): Promise<void> {
    if (this.#active || this.#closed) return;
    const run = this.#queue.runs.find(({ id }) => !this.#unstored.has(id));
    if (!run) return;
    try {
      await this.#execute(run.id);
    } catch (error) {
      if (!this.#closed) this.#fail(run.id, error);
    }
    void this.next();
  }

  /** Asks the run under way to pause or stop; undefined where this run is not under way here. */
  ask(id: string, action: Action): RunView | undefined {
    const active = this.#active;
    if (active?.runId !== id) return undefined;
    active.asked = active.asked === 'stop' ? 'stop' : action;
    this.#store.setAsked({ runId: id, action: active.asked });
    // Before training begins there is nothing to save, and a worker that reads a model does not listen.
    if (active.meter) active.call?.control(action);
    else if (active.call) active.client.kill();
    return this.#store.announce(id);
  }

  /** No run starts after this; the one under way becomes failed. Returns what it may have been writing. */
  close(): string[] {
    this.#closed = true;
    if (!this.#active) return [];
    const { runId } = this.#active;
    const run = this.#store.catalog.runs.update(runId, {
      status: 'failed',
      error: runAbandoned(runId),
      ownerPid: null,
      pid: null,
      endedAt: new Date().toISOString(),
    });
    return targetsOf(run);
  }

  async #execute(id: string): Promise<void> {
    const active: Active = { runId: id, client: this.#workers.spawn(), asked: null };
    this.#active = active;
    try {
      const startedAt = this.#store.require(id).startedAt ?? new Date().toISOString();
      const pid = active.client.pid ?? null;
      this.#store.update(id, { status: 'running', queuePosition: null, pid, startedAt });
      const result = await this.#train(active);
      await active.client.end();
      this.#release(active);
      if (this.#closed) return;
      this.#ended(id, result ?? active.asked);
      // It was asked for while the pause was being written.
      if (result?.outcome === 'paused' && active.asked === 'stop') {
        keepInterim(this.#store.catalog, this.#store.require(id));
        this.#store.announce(id);
      }
    } finally {
      active.client.kill();
      this.#release(active);
    }
  }

  /** A listener may have started the next run by now. */
  #release(active: Active): void {
    if (this.#active !== active) return;
    this.#active = undefined;
    this.#store.setAsked(null);
  }

  /** Null where it was asked to pause or to stop before training began. */
  async #train(active: Active): Promise<TrainResult | null> {
    const { runId: id, client } = active;
    const run = this.#store.require(id);
    // Rows of earlier versions lack the settings that have come since.
    const train = trainSettingsSchema.parse(run.spec.train);
    // A resumed run repeats the uninterrupted one only on the same engine, so the choice is part of the spec.
    const spec = { ...run.spec, train, engine: await this.#engines.resolve(run.spec.engine) };
    if (this.#closed || active.asked) return null;
    this.#store.catalog.runs.update(id, { spec });
    active.call = client.call('train', { spec, resume: hasRunState(run) }, (event) => this.#record(active, event));
    try {
      return await active.call.promise;
    } catch (error) {
      if (active.asked && !active.meter) return null; // its worker was ended for it
      throw error;
    }
  }

  #record(active: Active, event: TrainEvent): void {
    if (this.#closed) return;
    const { runId: id } = active;
    recordEvent(this.#store.catalog, id, event);
    if (event.type === 'started') {
      active.meter = new ProgressMeter(id, event.totalSteps, this.#store.require(id).spec.train.evalEvery);
      this.#store.update(id, { started: event });
    }
    this.#store.event(id, event);
    const progress = event.type === 'step' ? active.meter?.push(event, performance.now()) : null;
    if (progress) this.#store.channel.progress(progress);
  }

  /** With the worker's result, or with what ended the run before it began. */
  #ended(id: string, end: TrainResult | Action | null): void {
    const free = { ownerPid: null, pid: null };
    if (end === 'stop' || end === null) {
      this.#store.log(id, 'Stopped before training began.');
      this.#store.update(id, { ...free, status: 'stopped', endedAt: new Date().toISOString() });
    } else if (end === 'pause') {
      this.#store.log(id, 'Paused before training began.');
      this.#store.update(id, { ...free, status: 'paused' });
    } else if (end.outcome === 'paused') {
      this.#store.log(id, `Paused after step ${end.steps}; its memory is free again.`);
      this.#store.update(id, { ...free, status: 'paused', interim: end });
    } else {
      recordResult(this.#store.catalog, this.#store.require(id), { ...end, outcome: end.outcome });
      const how = end.outcome === 'stopped' ? 'Stopped' : 'Completed';
      this.#store.log(id, `${how} after step ${end.steps}; the result is in ${end.outDir}.`);
      const note = endNote(end);
      if (note) this.#store.log(id, note);
      this.#store.announce(id);
    }
  }

  #fail(id: string, cause: unknown): void {
    const run = this.#store.require(id);
    targetsOf(run).forEach(removePartials);
    const error = runFailure(run, cause);
    const changes: Partial<Run> & Pick<Run, 'status'> = {
      status: 'failed',
      error,
      ownerPid: null,
      pid: null,
      queuePosition: null,
      endedAt: new Date().toISOString(),
    };
    try {
      this.#store.log(id, error.message);
      this.#store.update(id, changes);
    } catch (notStored) {
      // The catalogue's disk may be full: listeners are told all the same, and the next start mends the row.
      this.#unstored.add(id);
      this.#store.channel.status(viewOf({ ...run, ...changes, error: toErrorData(notStored) }));
    }
  }
}
