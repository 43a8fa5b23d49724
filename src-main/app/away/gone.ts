/** Runs whose process is gone although their folder does not say that they are over. */
import path from 'node:path';
import type { AwayRun } from '../../catalog/away.ts';
import { counted } from '../../../src-shared/plural.ts';
import type { RemoteTarget } from '../../../src-shared/remoteTargets.ts';
import type { Machine } from '../../remote/machine.ts';
import { JOB } from '../../jobs/layout.ts';
import { jobOf } from '../../slurm/queue.ts';
import { collect } from './collect.ts';
import type { AwayRow, AwayRows } from './rows.ts';
import type { Standing } from './standing.ts';

/** So often a job that was lost is begun again, from its state. */
const MOST_RETRIES = 2;
/** Ends by Slurm that another try does not mend. */
const HOPELESS: Record<string, string> = {
  OUT_OF_MEMORY:
    'took more memory than Slurm gives it; ask for more (--slurm mem=…) or take a smaller batch, then resume it',
  CANCELLED: 'was cancelled there; resume it to go on from its last checkpoint',
};

/** What it takes to follow the runs of one target. */
export interface FollowerParts {
  rows: AwayRows;
  target: RemoteTarget;
  machine: Machine;
  /** How long a job must be gone before it counts as lost. */
  patienceMs: number;
}

type GoneStanding = Extract<Standing, { kind: 'lost' | 'cut' }>;

export class Gone {
  readonly #parts: FollowerParts;
  /** When each run was first seen to be gone. */
  #since = new Map<string, number>();

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  isThere(id: string): void {
    this.#since.delete(id);
  }

  /** Begins it again, or ends it, once it has been gone for long enough: shared disks show some things late. */
  async look({ away, run }: AwayRow, standing: GoneStanding): Promise<void> {
    const { machine, rows, target, patienceMs } = this.#parts;
    const since = this.#since.get(run.id) ?? Date.now();
    this.#since.set(run.id, since);
    if (Date.now() - since < patienceMs) return;
    this.#since.delete(run.id);
    const ended = away.slurmJob ? await jobOf(machine, away.slurmJob, away.arrayTask) : null;
    // Where its folder is gone as well, it goes on from what is here.
    if (await machine.exists(away.jobDir)) await collect(machine, run, away, undefined);
    const attempt = standing.state?.attempt ?? away.attempt;
    if (rows.store.wishes.of(run.id) === 'stop') return rows.stopped(run.id, attempt);
    // Past its time limit it asks by itself to be begun again; where that is not granted, we do.
    const isCutOff = standing.kind === 'cut' && standing.state.why !== 'time limit';
    const hopeless = ended ? HOPELESS[ended.state] : undefined;
    if (!isCutOff && !hopeless && away.retries < MOST_RETRIES) {
      const why = ended ? `Slurm says ${ended.state}` : 'it left no word';
      rows.store.log(
        run.id,
        `Its process on ${target.name} is gone (${why}); it is begun again from its last checkpoint.`,
      );
      const again = { phase: 'sending' as const, pid: null, slurmJob: null, arrayTask: null };
      return rows.update(run.id, { ...again, attempt, retries: away.retries + 1 }, { status: 'queued' });
    }
    rows.fail(
      run.id,
      {
        code: 'AWAY_ENDED',
        message: hopeless
          ? `The run on ${target.name} ${hopeless}.`
          : isCutOff
            ? `The run was ended on ${target.name} and has kept its state; resume it to go on.`
            : await this.#lost(away),
        details: { runId: run.id, target: target.name, slurmState: ended?.state ?? null },
      },
      { attempt },
    );
  }

  async #lost({ jobDir, retries }: AwayRun): Promise<string> {
    const { machine, target } = this.#parts;
    const log = await machine.read(path.posix.join(jobDir, JOB.log)).catch(() => null);
    const lines = new TextDecoder().decode(log?.bytes ?? new Uint8Array()).split('\n');
    const last = lines
      .map((line) => line.trim())
      .findLast(Boolean)
      ?.slice(0, 300);
    return (
      `The process on ${target.name} was gone ${counted(retries + 1, 'time')} without a word` +
      `${last ? `, last saying "${last}"` : ''}; look into that, then resume the run.`
    );
  }
}
