/** The rows of runs: looked up as callers see them, written, and every change told to those who listen. */
import fs from 'node:fs';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { Heard } from '../away/heard.ts';
import { Wishes } from '../away/wishes.ts';
import { RunChannel } from './channel.ts';
import { presentSpec } from './presentSpec.ts';
import { logMessage } from './recordEvent.ts';
import { isOver, viewOf, type RunView } from './view.ts';

export type NewRun = Pick<Run, 'name' | 'taskId' | 'modelId' | 'datasetId' | 'spec'> & Partial<Run>;

export class RunStore {
  readonly catalog: Catalog;
  readonly channel = new RunChannel();
  /** Of runs that are trained on targets. */
  readonly heard = new Heard();
  readonly wishes: Wishes;
  #unstored = new Map<string, Partial<Run>>();
  #asked: { runId: string; action: 'pause' | 'stop' } | null = null;

  constructor(catalog: Catalog) {
    this.catalog = catalog;
    this.wishes = new Wishes(catalog.away);
  }

  list(): RunView[] {
    return this.catalog.runs.list().map((run) => this.view(run));
  }

  /** Throws a usage error RUN_NOT_FOUND. */
  require(id: string): RunView {
    const run = this.catalog.runs.get(id);
    if (!run)
      throw usageError('RUN_NOT_FOUND', `There is no run ${id} in the catalogue; "runs" lists those that exist.`, {
        runId: id,
      });
    return this.view(run);
  }

  /** With model and rows where they lie now, so that whatever goes on from a run finds them. */
  view(run: Run): RunView {
    const asked = this.#asked?.runId === run.id ? this.#asked.action : this.wishes.of(run.id);
    const known = { ...run, ...this.#unstored.get(run.id), spec: presentSpec(this.catalog, run) };
    const away = this.heard.view(this.catalog, run.id);
    return viewOf(known, { asked, away, trainingMs: this.#trainingMs(known) });
  }

  /** Runs of before, and those that failed, have no result that says so. */
  #trainingMs(run: Run): number | null {
    if (!isOver(run)) return null;
    return run.result?.trainingMs ?? (this.catalog.metrics.totalMs(run.id) || null);
  }

  /** The end of a run whose row could not be written yet; null once it is. */
  setUnstored(id: string, changes: Partial<Run> | null): void {
    if (changes) this.#unstored.set(id, changes);
    else this.#unstored.delete(id);
  }

  /** Throws GraftError CATALOG_AWAY while the end of the run waits to be written. */
  assertStored(id: string): void {
    if (this.#unstored.has(id))
      throw new GraftError(
        'CATALOG_AWAY',
        'How this run ended cannot be written yet, since the catalogue is locked or its disk is full; make room or ' +
          'wait for the backup, then try again.',
        { runId: id },
      );
  }

  /** What has been asked of the run under way; null when nothing has, or once it has come about. */
  setAsked(asked: { runId: string; action: 'pause' | 'stop' } | null): void {
    this.#asked = asked;
  }

  /** Makes the folder and the row; `fill` adds rows to it in the same transaction. Nobody is told yet. */
  insert(run: NewRun, place: () => Pick<Run, 'status' | 'ownerPid' | 'queuePosition'>, fill: () => void): void {
    const { runId, runDir } = run.spec;
    fs.mkdirSync(runDir, { recursive: true });
    this.catalog.transaction(() => {
      this.catalog.runs.insert({
        started: null,
        error: null,
        result: null,
        pid: null,
        createdAt: new Date().toISOString(),
        startedAt: null,
        endedAt: null,
        ...run,
        id: runId,
        ...place(),
      });
      fill();
    });
  }

  update(id: string, changes: Partial<Run>): RunView {
    this.catalog.runs.update(id, changes);
    return this.announce(id);
  }

  /** Tells the run as it is now. */
  announce(id: string): RunView {
    const run = this.require(id);
    this.channel.status(run);
    return run;
  }

  event(id: string, event: TrainEvent): void {
    this.channel.event(id, event);
  }

  /** A line in the run's log. */
  log(id: string, message: string): void {
    logMessage(this.catalog, id, message);
    this.event(id, { type: 'log', message });
  }

  /** Removes the row and the folder; adapters stay. */
  remove({ id, spec }: Run): void {
    this.catalog.runs.remove(id);
    fs.rmSync(spec.runDir, { recursive: true, force: true });
    this.channel.removed(id);
  }

  /** Resolves with the run when it is neither queued nor under way nor paused any more. */
  finished(id: string): Promise<RunView> {
    return new Promise((resolve) => {
      const unsubscribe = this.channel.subscribe(id, (event) => event.type === 'status' && check(event.run));
      const check = (run: RunView): void => {
        if (!isOver(run)) return;
        unsubscribe();
        resolve(run);
      };
      check(this.require(id));
    });
  }
}
