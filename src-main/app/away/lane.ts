/**
 * One target: what is for it is sent, begun and followed until it is over. Nothing is remembered here that the
 * catalogue, the job's folder or the scheduler do not tell again, so that Graft can be closed at any moment.
 */
import { GraftError, toErrorData } from '../../../src-shared/errors.ts';
import type { RemoteTarget } from '../../../src-shared/remoteTargets.ts';
import type { Machine } from '../../remote/machine.ts';
import type { RunStore } from '../runs/store.ts';
import { isOver } from '../runs/view.ts';
import { Follower } from './follower.ts';
import { livesOn } from './lives.ts';
import { AwayRows, type AwayRow } from './rows.ts';
import { Sender } from './sender.ts';
import type { Life } from './standing.ts';

export interface Timing {
  /** Between two looks at a target. */
  lookMs: number;
  /** How long a job must be gone before it counts as lost. */
  patienceMs: number;
}

export interface LaneParts {
  store: RunStore;
  target: RemoteTarget;
  machine: Machine;
  stagingDir: string;
  timing: Timing;
  /** Ends once nothing else of this process looks after the target. */
  before?: Promise<void> | undefined;
}

/** Longest wait between two looks at a target that cannot be reached. */
const MOST_WAIT_MS = 60_000;

export class Lane {
  readonly #parts: LaneParts;
  readonly #rows: AwayRows;
  readonly #sender: Sender;
  readonly #follower: Follower;
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> | undefined;
  #sending: Promise<void> | undefined;
  /** How the runs that were looked after stood when they were last told of. */
  #told = new Map<string, string>();
  /** Looks in a row at which the target could not be reached. */
  #failures = 0;
  /** Tries in a row at sending that it could not be reached. */
  #sendFailures = 0;

  constructor(parts: LaneParts) {
    const { store, target, machine, stagingDir, timing } = parts;
    this.#parts = parts;
    this.#rows = new AwayRows(store, target.name);
    const shared = { rows: this.#rows, target, machine };
    this.#sender = new Sender({ ...shared, stagingDir, signal: this.#closed.signal });
    this.#follower = new Follower({ ...shared, patienceMs: timing.patienceMs });
  }

  /** The target could not be reached at the last look. */
  get isAway(): boolean {
    return this.#failures > 0;
  }

  /** As `wake`, where nothing is followed yet. */
  attend(): void {
    if (this.#timer === undefined) this.wake();
  }

  /** Looks now, and from now on again and again while there is something to follow. */
  wake(): void {
    if (this.#closed.signal.aborted || this.#turn) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#turn = this.#look()
      .then(
        () => void (this.#failures = 0),
        (error: unknown) => this.#isAway(error),
      )
      .finally(() => {
        this.#turn = undefined;
        if (this.#closed.signal.aborted || this.#isIdle()) return;
        this.#timer = setTimeout(() => this.wake(), this.#waitMs());
      });
  }

  async close(): Promise<void> {
    this.#closed.abort();
    clearTimeout(this.#timer);
    await Promise.allSettled([this.#turn, this.#sending]);
  }

  /** Another Graft on this data folder may go on with a run that is paused. */
  #isIdle(): boolean {
    return this.#rows.open.length === 0 && this.#told.size === 0;
  }

  /** Tells what another Graft on this data folder has made of the runs. */
  #tellOfOthers(): void {
    const { store } = this.#rows;
    for (const { run } of this.#rows.open) if (!this.#told.has(run.id)) this.#told.set(run.id, '');
    for (const [id, before] of this.#told) {
      const run = store.catalog.runs.get(id);
      const away = store.catalog.away.get(id);
      const now = run && away ? [run.status, away.phase, away.note, away.asked].join(' ') : 'gone';
      this.#told.set(id, now);
      if (run && before !== '' && before !== now) store.announce(id);
      if (run && away && !isOver(run)) continue;
      this.#told.delete(id);
      store.heard.forget(id);
    }
  }

  #waitMs(): number {
    const failures = Math.max(this.#failures, this.#sendFailures);
    return Math.min(MOST_WAIT_MS, this.#parts.timing.lookMs * 2 ** Math.min(failures, 10));
  }

  async #look(): Promise<void> {
    const { machine, target, before } = this.#parts;
    await before;
    if (this.#closed.signal.aborted) return;
    this.#tellOfOthers();
    const toSend = this.#rows.open.filter(({ away }) => away.phase === 'sending').map(({ run }) => run);
    // What is there already is followed meanwhile.
    if (toSend.length > 0 && !this.#sending)
      this.#sending = this.#sender
        .send(toSend)
        .then(
          () => void (this.#sendFailures = 0),
          (error: unknown) => {
            this.#sendFailures++;
            this.#isAway(error);
          },
        )
        .finally(() => (this.#sending = undefined));
    const there = this.#rows.open.filter(({ away }) => away.phase !== 'sending');
    if (there.length === 0) return;
    const lifeOf = await livesOn(machine, target, this.#rows);
    for (const row of there) {
      if (this.#closed.signal.aborted) return;
      await this.#followOne(row, lifeOf);
    }
    await this.#sender.startNext();
  }

  /** What is wrong with one run does not keep the others from being followed. */
  async #followOne(row: AwayRow, lifeOf: (away: AwayRow['away']) => Promise<Life>): Promise<void> {
    try {
      await this.#follower.follow(row, await lifeOf(row.away));
    } catch (error) {
      if (error instanceof GraftError && error.code === 'MACHINE_AWAY') throw error;
      this.#rows.cutOff(row.run.id, toErrorData(error).message);
    }
  }

  /** It cannot be reached, or the catalogue cannot be written; what runs there goes on. */
  #isAway(error: unknown): void {
    if (this.#closed.signal.aborted) return;
    this.#failures++;
    const { message } = toErrorData(error);
    try {
      for (const { away } of this.#rows.open) this.#rows.cutOff(away.runId, message);
    } catch {
      // The catalogue is away: it is tried again at the next look.
    }
  }
}
