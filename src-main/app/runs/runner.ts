/**
 * Runs what is queued, one run at a time. The training itself happens in a worker process, which ends with every run
 * and at every pause, and gives its memory back.
 */
import type { Run } from '../../catalog/runs.ts';
import { removePartials } from '../../files/removePartials.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { trainSettingsSchema } from '../../../src-shared/settings/training.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import { PackedCache } from '../../loading/packedCache.ts';
import { PatientWriter } from '../storage/patientWriter.ts';
import type { WorkerCall, WorkerClient, Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import { failedRow, runAbandoned, runFailure } from './failure.ts';
import { isTimed, ProgressMeter, type RunProgress, type Schedule } from './progressMeter.ts';
import type { RunQueue } from './queue.ts';
import { discardOf } from '../../runfolder/discard.ts';
import { logMessage, recordEvent, recordJournal } from './recordEvent.ts';
import { outcomeOf, recordEnd } from './recordEnd.ts';
import { keepInterim } from './stopPaused.ts';
import { isDue, StartAlarm } from './startTime.ts';
import type { RunStore } from './store.ts';
import { hasRunState, targetsOf, viewOf, type RunView } from './view.ts';

type Action = 'pause' | 'stop';

/** How soon the queue is read again where the catalogue could not be. */
const LOOK_AGAIN_MS = 1000;

interface Active {
  runId: string;
  client: WorkerClient;
  call?: WorkerCall<'train'>;
  asked: Action | null;
  /** How often it evaluates and saves. */
  schedule: Schedule;
  /** Present once the worker has said that training begins. */
  meter?: ProgressMeter;
}

export class Runner {
  #store: RunStore;
  #queue: RunQueue;
  #workers: Workers;
  #engines: EngineService;
  #active: Active | undefined;
  #writer: PatientWriter;
  /** Runs whose failure could not be stored; their rows still say that they are queued. */
  #unstored = new Set<string>();
  #closed = false;
  #alarm = new StartAlarm();
  /** Something that is no run trains. */
  #lent = false;

  constructor(parts: { store: RunStore; queue: RunQueue; workers: Workers; engines: EngineService }) {
    this.#store = parts.store;
    this.#queue = parts.queue;
    this.#workers = parts.workers;
    this.#engines = parts.engines;
    this.#writer = new PatientWriter(parts.store.catalog);
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
    if (this.#active || this.#lent || this.#closed) return;
    let run: Run | undefined;
    try {
      const queued = this.#queue.runs.filter(({ id }) => !this.#unstored.has(id));
      const nowMs = Date.now();
      run = queued.find((one) => isDue(one, nowMs));
      if (!run) return this.#alarm.set(queued, nowMs, () => void this.next());
      await this.#execute(run.id);
    } catch (error) {
      if (this.#closed) return;
      if (!run) return void setTimeout(() => void this.next(), LOOK_AGAIN_MS).unref(); // the catalogue is away
      this.#fail(run, error);
    }
    void this.next();
  }

  /**
   * No run starts until the returned function is called, since only one thing trains at a time. Throws BUSY while one
   * does.
   */
  takeTurn(): () => void {
    if (this.#lent)
      throw new GraftError('BUSY', 'A learning rate is being looked for already; wait for it, or cancel it first.');
    if (this.#active) {
      const { id, name } = this.#store.require(this.#active.runId);
      throw new GraftError(
        'BUSY',
        `The run ${name} is under way, and only one thing trains at a time; wait for its end or pause it, then look ` +
          'for a rate.',
        { runId: id },
      );
    }
    this.#lent = true;
    return () => {
      this.#lent = false;
      void this.next();
    };
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

  /** The run under way waits between two steps, or goes on. False where it is another one or has not begun. */
  hold(id: string, held: boolean, message: string): boolean {
    const active = this.#active;
    if (active?.runId !== id || !active.meter || this.#closed) return false;
    active.call?.control(held ? 'hold' : 'release');
    const { catalog } = this.#store;
    this.#writer.write(
      () => logMessage(catalog, id, message),
      () => this.#store.event(id, { type: 'log', message }),
    );
    return true;
  }

  /** No run starts after this; the one under way becomes failed. Returns what it may have been writing. */
  close(): string[] {
    this.#closed = true;
    this.#alarm.clear();
    if (!this.#active) {
      this.#writer.close();
      return [];
    }
    const { runId } = this.#active;
    const targets = targetsOf(this.#store.require(runId));
    try {
      this.#writer.write(() => void this.#store.catalog.runs.update(runId, failedRow(runAbandoned(runId))));
    } catch {
      // Damaged: the workers must end all the same.
    }
    this.#writer.close();
    return targets;
  }

  async #execute(id: string): Promise<void> {
    const active: Active = {
      runId: id,
      client: this.#workers.spawn(),
      asked: null,
      schedule: { evalEvery: 0, checkpointEvery: 0 },
    };
    this.#active = active;
    try {
      const startedAt = this.#store.require(id).startedAt ?? new Date().toISOString();
      const pid = active.client.pid ?? null;
      const begun = { status: 'running' as const, queuePosition: null, pid, startedAt };
      await this.#writer.save(() => void this.#store.catalog.runs.update(id, begun));
      if (this.#closed) return;
      this.#store.announce(id);
      const result = await this.#train(active);
      await active.client.end();
      if (this.#closed) return;
      // Until the end is written this run holds the place: its row still says that it is under way.
      await this.#ended(active, result ?? active.asked);
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
    active.schedule = train;
    const { catalog } = this.#store;
    await this.#writer.save(() => {
      // Its last worker may have outlived the host that recorded it; the next one begins the journal anew.
      recordJournal(catalog, run);
      catalog.runs.update(id, { spec });
    });
    if (this.#closed) return null;
    active.call = client.call('train', { spec, resume: hasRunState(run) }, (event) => this.#record(active, event));
    try {
      return await active.call.promise;
    } catch (error) {
      if (active.asked && !active.meter) {
        new PackedCache().sweep(); // its worker was ended for it, maybe while it kept what it had packed
        return null;
      }
      throw error;
    }
  }

  #record(active: Active, event: TrainEvent): void {
    if (this.#closed) return;
    const { runId: id } = active;
    const { catalog } = this.#store;
    const atMs = Date.now();
    if (event.type === 'started')
      active.meter = new ProgressMeter(id, event.totalSteps, active.schedule, performance.now());
    this.#writer.write(
      () => {
        recordEvent(catalog, id, event, atMs);
        if (event.type === 'started') catalog.runs.update(id, { started: event });
      },
      () => {
        if (event.type === 'started') this.#store.announce(id);
        this.#store.event(id, event);
      },
    );
    const progress = isTimed(event) ? active.meter?.push(event, performance.now()) : null;
    if (progress) this.#store.channel.progress(progress);
  }

  /** With the worker's result, or with what ended the run before it began. */
  async #ended(active: Active, end: TrainResult | Action | null): Promise<void> {
    const id = active.runId;
    const { catalog } = this.#store;
    let messages: string[] = [];
    await this.#writer.save(
      () => {
        messages = recordEnd(catalog, this.#store.require(id), end);
        for (const message of messages) logMessage(catalog, id, message);
      },
      () => {
        // A listener may start the next run.
        this.#release(active);
        const outcome = outcomeOf(end);
        if (outcome) discardOf(this.#store.require(id).spec.runDir, outcome);
        for (const message of messages) this.#store.event(id, { type: 'log', message });
        this.#store.announce(id);
      },
    );
    if (this.#closed || end === null || typeof end === 'string' || end.outcome !== 'paused') return;
    // It was asked for while the pause was being written.
    if (active.asked === 'stop') {
      keepInterim(catalog, this.#store.require(id));
      this.#store.announce(id);
    }
  }

  #fail(run: Run, cause: unknown): void {
    const { id } = run;
    targetsOf(run).forEach(removePartials);
    const error = runFailure(run, cause);
    const changes = failedRow(error);
    const { catalog } = this.#store;
    this.#unstored.add(id);
    this.#store.setUnstored(id, changes);
    try {
      this.#writer.write(
        () => {
          recordJournal(catalog, run);
          logMessage(catalog, id, error.message);
          catalog.runs.update(id, changes);
        },
        () => {
          this.#unstored.delete(id);
          this.#store.setUnstored(id, null);
          this.#store.event(id, { type: 'log', message: error.message });
          this.#store.announce(id);
        },
      );
    } catch {
      // A damaged catalogue takes nothing any more; listeners are told all the same.
    }
    // Its disk may be full, or a backup hold it: the row follows when it can be written.
    if (this.#unstored.has(id)) this.#store.channel.status(viewOf({ ...run, ...changes }));
  }
}
