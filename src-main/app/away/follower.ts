/** Follows single runs: records what each tells, brings what was asked of it there, and ends it as its folder says. */
import path from 'node:path';
import type { AwayRun } from '../../catalog/away.ts';
import type { JobEvent, JobState } from '../../../src-shared/jobs.ts';
import type { TrainResult } from '../../../src-shared/training.ts';
import { GraftError, toErrorData } from '../../../src-shared/errors.ts';
import { JOB } from '../../jobs/layout.ts';
import { discardOf } from '../../runfolder/discard.ts';
import { cancel } from '../../slurm/control.ts';
import { failedRow } from '../runs/failure.ts';
import { recordEnd } from '../runs/recordEnd.ts';
import { logMessage } from '../runs/recordEvent.ts';
import { isOver } from '../runs/view.ts';
import { collect } from './collect.ts';
import { readJobState, readNews, withoutPlace } from './follow.ts';
import { Gone, type FollowerParts } from './gone.ts';
import type { AwayRow } from './rows.ts';
import { standingOf, type Life, type Standing } from './standing.ts';

export class Follower {
  readonly #parts: FollowerParts;
  readonly #gone: Gone;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#gone = new Gone(parts);
  }

  /** Throws what the machine throws. */
  async follow({ away, run }: AwayRow, life: Life): Promise<void> {
    const { machine, rows } = this.#parts;
    const { catalog, channel, heard } = rows.store;
    const told = await this.#told(away, life);
    const toldBytes = heard.toldBytes(run.id);
    const tell = (line: JobEvent): void => {
      const { event } = withoutPlace(line);
      rows.store.event(run.id, event);
      const progress = heard.event(run, event);
      if (progress) channel.progress(progress);
    };
    heard.told(run.id, await readNews(machine, catalog, away, { toldBytes, tell }));
    heard.state(run.id, told);
    catalog.away.update(run.id, { seenAt: new Date().toISOString() });
    const standing = standingOf(away, told, life);
    if (standing.kind === 'waiting' && (await this.#withdrawn(away, standing))) return;
    await this.#deliver(away);
    await this.#settle({ away, run }, standing);
  }

  /**
   * Null too where what stands there is no state, but nobody is at it any more or is to be: then it can be begun anew,
   * or stopped. Throws what the machine throws.
   */
  async #told(away: AwayRun, life: Life): Promise<JobState | null> {
    const { machine, rows } = this.#parts;
    try {
      return await readJobState(machine, away);
    } catch (error) {
      const isNoState = error instanceof GraftError && (error.code === 'JOB_CHANGED' || error.code === 'NOT_OURS');
      if (isNoState && (life === 'gone' || rows.store.wishes.of(away.runId) === 'stop')) return null;
      throw error;
    }
  }

  async #settle(row: AwayRow, standing: Standing): Promise<void> {
    const { run } = row;
    const { rows } = this.#parts;
    if (standing.kind === 'lost' || standing.kind === 'cut')
      return void (await rows.claimed(run.id, () => this.#gone.look(row, standing)));
    this.#gone.isThere(run.id);
    if (standing.kind === 'over') return void (await rows.claimed(run.id, () => this.#end(row, standing.state)));
    const isCutOff = standing.state?.phase === 'interrupted';
    this.#becomes(row, standing.kind === 'running' ? 'running' : isCutOff ? 'interrupted' : 'waiting');
  }

  #becomes({ run, away }: AwayRow, phase: 'waiting' | 'interrupted' | 'running'): void {
    const status = phase === 'running' ? 'running' : 'queued';
    // What was wrong is over; of what waits in its queue, Slurm says why.
    if (phase === 'running' || this.#parts.target.kind === 'ssh') this.#parts.rows.note(run.id, null);
    if (away.phase === phase && run.status === status) return;
    const startedAt = run.startedAt ?? (phase === 'running' ? new Date().toISOString() : null);
    this.#parts.rows.update(run.id, { phase }, { status, startedAt });
  }

  /** Brings a wish into the folder of a run that may be under way. */
  async #deliver({ runId, jobDir, attempt }: AwayRun): Promise<void> {
    const { machine, rows } = this.#parts;
    const { wishes } = rows.store;
    const wish = wishes.undelivered(runId);
    if (!wish) return;
    await machine.write(path.posix.join(jobDir, JOB.control), JSON.stringify({ action: wish, afterAttempt: attempt }));
    wishes.delivered(runId, wish);
  }

  /** Whether it was to stop, which one that waits does at once. */
  async #withdrawn(away: AwayRun, { state }: Standing): Promise<boolean> {
    const { machine, rows } = this.#parts;
    if (rows.store.wishes.of(away.runId) !== 'stop') return false;
    if (away.slurmJob) await cancel(machine, away.slurmJob, away.arrayTask);
    else if (away.pid !== null) await machine.signal(away.pid, 'SIGTERM');
    const run = rows.store.catalog.runs.get(away.runId);
    if (run && state?.resumable) await collect(machine, run, away, undefined);
    rows.stopped(away.runId, state?.attempt ?? away.attempt);
    return true;
  }

  async #end({ run, away }: AwayRow, state: JobState): Promise<void> {
    const { machine, rows } = this.#parts;
    const { catalog } = rows.store;
    const { phase, attempt } = state;
    if (!rows.open.some((row) => row.run.id === run.id)) return; // another Graft has been quicker
    let found: TrainResult | null;
    try {
      found = await collect(machine, run, away, state.result);
    } catch (error) {
      if (!(error instanceof GraftError && error.code === 'JOB_CHANGED')) throw error;
      return rows.fail(run.id, toErrorData(error), { attempt });
    }
    const isRecorded = catalog.transaction(() => {
      const current = catalog.runs.get(run.id);
      if (!current || isOver(current)) return false; // another Graft has been quicker
      catalog.away.update(run.id, { phase, attempt, pid: null, note: null });
      if (phase === 'failed') catalog.runs.update(run.id, failedRow(state.error ?? WITHOUT_A_WORD));
      else {
        const end = found ?? (phase === 'paused' ? 'pause' : 'stop');
        for (const message of recordEnd(catalog, current, end)) logMessage(catalog, run.id, message);
      }
      return true;
    });
    rows.forget(run.id);
    if (isRecorded && (phase === 'completed' || phase === 'stopped')) discardOf(run.spec.runDir, phase);
    rows.store.announce(run.id);
    // The copy here has been checked.
    if (phase === 'completed') await machine.remove(away.jobDir).catch(() => undefined);
  }
}

const WITHOUT_A_WORD = {
  code: 'AWAY_ENDED' as const,
  message: 'The run failed on its target without saying why; look at its log.',
  details: {},
};
