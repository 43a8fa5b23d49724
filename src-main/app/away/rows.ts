/** The rows of runs on one target, changed together with the runs' own and told to those who listen. */
import type { AwayRun } from '../../catalog/away.ts';
import type { Run } from '../../catalog/runs.ts';
import type { ErrorData } from '../../../src-shared/errors.ts';
import { failedRow } from '../runs/failure.ts';
import { logMessage } from '../runs/recordEvent.ts';
import type { RunStore } from '../runs/store.ts';
import { isOther } from '../runs/recover.ts';
import { isOver } from '../runs/view.ts';

export interface AwayRow {
  away: AwayRun;
  run: Run;
}

export class AwayRows {
  readonly store: RunStore;
  readonly #target: string;

  constructor(store: RunStore, target: string) {
    this.store = store;
    this.#target = target;
  }

  /** Runs that are to be sent, wait or are under way, in the order in which they came. */
  get open(): AwayRow[] {
    const { away: rows, runs } = this.store.catalog;
    const ours = rows.open().filter(({ target }) => target === this.#target);
    return ours.flatMap((away) => {
      const run = runs.get(away.runId);
      return run ? [{ away, run }] : [];
    });
  }

  isSending(id: string): boolean {
    return this.open.some(({ run, away }) => run.id === id && away.phase === 'sending');
  }

  /**
   * Whether this process may send the run, begin it or take back its result: two Grafts on one data folder would do so
   * twice. `release` ends that; so does the end of the process.
   */
  claim(id: string): boolean {
    const { away } = this.store.catalog;
    return this.store.catalog.transaction(() => {
      const row = away.get(id);
      if (!row || (row.ownerPid && isOther(row.ownerPid))) return false;
      away.update(id, { ownerPid: process.pid });
      return true;
    });
  }

  release(id: string): void {
    this.store.catalog.away.update(id, { ownerPid: null });
  }

  /** Does the work where this process may; false where another one is at it. */
  async claimed(id: string, work: () => Promise<void>): Promise<boolean> {
    if (!this.claim(id)) return false;
    try {
      await work();
      return true;
    } finally {
      this.release(id);
    }
  }

  /** What a run has become by being sent; false where it has been stopped meanwhile. */
  sent(id: string, changes: Partial<AwayRun>): boolean {
    const isWanted = this.store.catalog.transaction(() => {
      if (!this.isSending(id)) return false;
      this.store.catalog.away.update(id, { ...changes, phase: 'waiting', note: null });
      return true;
    });
    this.store.announce(id);
    return isWanted;
  }

  update(id: string, changes: Partial<AwayRun>, run: Partial<Run> = {}): void {
    const { catalog } = this.store;
    catalog.transaction(() => {
      catalog.away.update(id, changes);
      if (Object.keys(run).length > 0) catalog.runs.update(id, run);
    });
    this.store.announce(id);
  }

  /** What it waits for, or how much of it has been sent. */
  note(id: string, note: string | null): void {
    this.store.heard.cutOff(id, false);
    this.#write(id, note);
  }

  /** Why it cannot be followed, or sent, for now. */
  cutOff(id: string, message: string): void {
    this.store.heard.cutOff(id, true);
    this.#write(id, message);
  }

  #write(id: string, note: string | null): void {
    if (this.store.catalog.away.get(id)?.note !== note) this.update(id, { note });
  }

  fail(id: string, error: ErrorData, changes: Partial<AwayRun> = {}): void {
    const { catalog } = this.store;
    this.forget(id);
    catalog.transaction(() => {
      if (isOver(catalog.runs.get(id) ?? { status: 'failed' })) return; // another Graft has been quicker
      logMessage(catalog, id, error.message);
      catalog.away.update(id, { phase: 'failed', pid: null, note: null, ...changes });
      catalog.runs.update(id, failedRow(error));
    });
    this.store.announce(id);
  }

  stopped(id: string, attempt: number): void {
    this.forget(id);
    const endedAt = new Date().toISOString();
    this.update(id, { phase: 'stopped', attempt, pid: null, note: null }, { status: 'stopped', endedAt });
  }

  /** What was asked of it and heard of it has come about. */
  forget(id: string): void {
    this.store.wishes.forget(id);
    this.store.heard.forget(id);
  }
}
