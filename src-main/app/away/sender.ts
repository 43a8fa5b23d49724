/** Brings runs to their target and has it begin with them. */
import path from 'node:path';
import type { Run } from '../../catalog/runs.ts';
import { GraftError, toErrorData } from '../../../src-shared/errors.ts';
import type { RemoteTarget } from '../../../src-shared/remoteTargets.ts';
import { JOB } from '../../jobs/layout.ts';
import type { Machine } from '../../remote/machine.ts';
import { absolutePath, installRuntime } from '../../remote/runtime.ts';
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

  /** A run that cannot be sent fails. Throws MACHINE_AWAY and TRANSFER_BROKEN: later it may go. */
  async send(runs: Run[]): Promise<void> {
    const { rows } = this.#parts;
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
    }
  }

  /** Where a target trains one run at a time: begins with the first where none is under way. */
  async startNext(): Promise<void> {
    const { rows, target, machine } = this.#parts;
    if (target.kind !== 'ssh') return;
    const there = rows.open.filter(({ away }) => away.phase !== 'sending');
    const [next] = there;
    if (!next || there.some(({ away }) => away.pid !== null)) return;
    const place = await this.#place([next.run]);
    const pid = await startProcess({ ...place, machine, target }, next.away.jobDir);
    rows.update(next.run.id, { pid, note: null });
  }

  async #sendOne(run: Run, { target }: Place): Promise<boolean> {
    const { rows, ...parts } = this.#parts;
    const jobDir = jobDirOf(target, run.id);
    const onProgress = (what: string, share: number): void =>
      rows.note(run.id, `Sending ${what}: ${Math.floor(share * 100)} %`);
    try {
      await sendRun(run, { jobDir }, { ...parts, target, onProgress });
      await parts.machine.write(path.posix.join(jobDir, JOB.control), goOn(rows, run));
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
    const begun = { phase: 'waiting' as const, note: null };
    const [first] = runs;
    if (!first) return;
    if (target.kind === 'ssh') runs.forEach(({ id }, i) => rows.update(id, { ...begun, jobDir: dirs[i]!, pid: null }));
    else {
      const name = runs.length === 1 ? first.name : first.spec.task;
      const slurmJob = await submitJobs({ ...place, target }, `graft ${name}`, dirs);
      const taskOf = (i: number): number | null => (runs.length === 1 ? null : i);
      runs.forEach(({ id }, i) => rows.update(id, { ...begun, jobDir: dirs[i]!, slurmJob, arrayTask: taskOf(i) }));
    }
  }
}

/** Nothing is asked of it, and it goes on after what it came to before. */
function goOn({ store }: AwayRows, { id }: Run): string {
  return JSON.stringify({ action: 'none', afterAttempt: store.catalog.away.get(id)?.attempt ?? 0 });
}

/** What another try may mend. */
function isAway(error: unknown): boolean {
  return error instanceof GraftError && (error.code === 'MACHINE_AWAY' || error.code === 'TRANSFER_BROKEN');
}
