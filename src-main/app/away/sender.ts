/** Brings runs to their target and has it begin with them. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Run } from '../../catalog/runs.ts';
import { GraftError, toErrorData } from '../../../src-shared/errors.ts';
import type { RemoteTarget } from '../../../src-shared/remoteTargets.ts';
import type { JobControl } from '../../../src-shared/jobs.ts';
import { JOB } from '../../jobs/layout.ts';
import type { Machine } from '../../remote/machine.ts';
import { absolutePath, installRuntime } from '../../remote/runtime.ts';
import { cancel } from '../../slurm/control.ts';
import { processOf, slurmJobOf } from './adopt.ts';
import { readJobState } from './follow.ts';
import type { AwayRows } from './rows.ts';
import { jobDirOf, sendRun } from './send.ts';
import { startProcess, submitJobs, type Place } from './submit.ts';

export interface SenderParts {
  rows: AwayRows;
  target: RemoteTarget;
  machine: Machine;
  stagingDir: string;
  signal: AbortSignal;
}

export class Sender {
  readonly #parts: SenderParts;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /**
   * A run that cannot be sent fails; what another Graft sends is left to it. Throws MACHINE_AWAY and TRANSFER_BROKEN:
   * later it may go; CANCELLED where this Graft is being closed.
   */
  async send(all: Run[]): Promise<void> {
    const { rows } = this.#parts;
    const runs = all.filter(({ id }) => rows.claim(id));
    if (runs.length === 0) return;
    try {
      const place = await this.#place(runs);
      const sent: Run[] = [];
      for (const run of runs) if (rows.isSending(run.id) && (await this.#sendOne(run, place))) sent.push(run);
      await this.#submit(
        place,
        sent.filter(({ id }) => rows.isSending(id)),
      );
    } catch (error) {
      if (isAway(error)) throw error;
      for (const { id } of runs) if (rows.isSending(id)) rows.fail(id, toErrorData(error));
    } finally {
      for (const { id } of runs) rows.release(id);
    }
  }

  /** Where a target trains one run at a time: begins with the first where none is under way. */
  async startNext(): Promise<void> {
    const { rows, target, machine } = this.#parts;
    if (target.kind !== 'ssh') return;
    const there = rows.open.filter(({ away }) => away.phase !== 'sending');
    const [next] = there;
    if (!next || there.some(({ away }) => away.pid !== null)) return;
    const { id } = next.run;
    await rows.claimed(id, async () => {
      const now = rows.store.catalog.away.get(id);
      if (!now || now.pid !== null || now.phase !== next.away.phase) return; // another Graft has been quicker
      const begun = await processOf(machine, now.jobDir, now.attempt);
      const place = await this.#place([next.run]);
      const pid = begun ?? (await startProcess({ ...place, machine, target }, now.jobDir));
      rows.update(id, { pid, note: null });
    });
  }

  /** Whether the run is to be begun with: neither failed nor found to be begun already. */
  async #sendOne(run: Run, { target }: Place): Promise<boolean> {
    const { rows, ...parts } = this.#parts;
    const { machine } = parts;
    const jobDir = jobDirOf(target, run.id);
    const onProgress = (what: string, share: number): void =>
      rows.note(run.id, `Sending ${what}: ${Math.floor(share * 100)} %`);
    try {
      if (!(await hasReadableState(machine, jobDir))) await machine.remove(jobDir);
      const attempt = rows.store.catalog.away.get(run.id)?.attempt ?? 0;
      const begun = target.kind === 'slurm' ? await slurmJobOf(machine, jobDir, attempt) : null;
      if (begun) return !rows.sent(run.id, { ...begun, jobDir });
      const isNew = await sendRun(run, { jobDir }, { ...parts, target, onProgress });
      // A folder that begins anew counts its attempts and its events anew.
      if (isNew) rows.update(run.id, { attempt: 0, readBytes: 0 });
      return true;
    } catch (error) {
      if (isAway(error)) throw error;
      rows.fail(run.id, toErrorData(error));
      return false;
    }
  }

  /** With Graft itself there. */
  async #place(runs: Run[]): Promise<Place> {
    const { machine, target, rows, signal } = this.#parts;
    const workDir = await absolutePath(machine, target.workDir);
    await machine.makeFolder(workDir);
    const onProgress = (done: number, total: number): void => {
      for (const { id } of runs) rows.note(id, `Sending Graft itself: ${Math.floor((done / total) * 100)} %`);
    };
    const runtime = await installRuntime(machine, { ...target, workDir }, { signal, onProgress });
    return { machine, target: { ...target, workDir }, runtime };
  }

  async #submit(place: Place, runs: Run[]): Promise<void> {
    const { target } = place;
    const { rows } = this.#parts;
    const dirs = runs.map(({ id }) => jobDirOf(target, id));
    const [first] = runs;
    if (!first) return;
    const key = randomBytes(9).toString('hex');
    const taskOf = (i: number): number | null => (runs.length === 1 ? null : i);
    for (const [i, run] of runs.entries()) await this.#goOn(run, dirs[i]!, { key, task: taskOf(i) });
    if (target.kind === 'ssh') {
      runs.forEach(({ id }, i) => rows.sent(id, { jobDir: dirs[i]!, pid: null }));
      return;
    }
    const name = `graft ${runs.length === 1 ? first.name : first.spec.task}`;
    const slurmJob = await submitJobs({ ...place, target }, { name, key }, dirs);
    const unwanted = runs.flatMap(({ id }, i) =>
      rows.sent(id, { jobDir: dirs[i]!, slurmJob, arrayTask: taskOf(i) }) ? [] : [taskOf(i)],
    );
    for (const task of unwanted) await cancel(place.machine, slurmJob, task);
  }

  /** Nothing is asked of it, and it goes on after what it came to before. */
  async #goOn({ id }: Run, jobDir: string, submission: JobControl['submission']): Promise<void> {
    const { machine, rows } = this.#parts;
    const afterAttempt = rows.store.catalog.away.get(id)?.attempt ?? 0;
    const control: JobControl = { action: 'none', afterAttempt, submission };
    await machine.write(path.posix.join(jobDir, JOB.control), JSON.stringify(control));
  }
}

/** False where what stands there as the job's state is something else: no process would begin with it. */
async function hasReadableState(machine: Machine, jobDir: string): Promise<boolean> {
  try {
    await readJobState(machine, { jobDir });
    return true;
  } catch (error) {
    if (error instanceof GraftError && error.code === 'JOB_CHANGED') return false;
    throw error;
  }
}

/** What another try may mend, or another Graft go on with. */
function isAway(error: unknown): boolean {
  return error instanceof GraftError && ['MACHINE_AWAY', 'TRANSFER_BROKEN', 'CANCELLED'].includes(error.code);
}
