/**
 * Runs that are trained on targets. Each is followed by reading its folder there, so that Graft can be closed and
 * opened again meanwhile.
 */
import path from 'node:path';
import type { AwayRun, AwayWish } from '../../catalog/away.ts';
import type { Run } from '../../catalog/runs.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { RemoteTarget } from '../../../src-shared/remoteTargets.ts';
import type { RunProgress } from '../runs/progressMeter.ts';
import type { NewRun, RunStore } from '../runs/store.ts';
import type { RunView } from '../runs/view.ts';
import type { Home } from '../storage/home.ts';
import { Lane, type Timing } from './lane.ts';
import { Machines } from './machines.ts';

const TIMING: Timing = { lookMs: 2000, patienceMs: 60_000 };
/** How often it is looked whether another Graft, such as a command line that has ended, has left runs to follow. */
const LOOK_FOR_OTHERS_MS = 10_000;

export interface AwayParts {
  home: Pick<Home, 'dir'>;
  store: RunStore;
  machines?: Machines;
  timing?: Timing;
}

export class AwayService {
  readonly #store: RunStore;
  readonly #stagingDir: string;
  readonly #timing: Timing;
  readonly #machines: Machines;
  #lanes = new Map<string, { spec: string; lane: Lane }>();
  #looking: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ home, store, machines = new Machines(), timing = TIMING }: AwayParts) {
    this.#store = store;
    this.#stagingDir = path.join(home.dir, 'runs');
    this.#machines = machines;
    this.#timing = timing;
  }

  /** Of the runs that are under way on targets. */
  get progress(): RunProgress[] {
    return this.#store.heard.progress;
  }

  /** Whether the run is under way on a target, or waits there. */
  isFollowed(id: string): boolean {
    const { away, status } = this.#store.require(id);
    return away !== null && (status === 'queued' || status === 'running');
  }

  /** Throws a usage error TARGET_NOT_FOUND. */
  requireTarget(name: string): RemoteTarget {
    const target = this.#store.catalog.targets.get(name);
    if (target) return target;
    throw usageError(
      'TARGET_NOT_FOUND',
      `There is no target "${name}"; "targets list" and the settings show those that exist.`,
      { target: name },
    );
  }

  /** Rows of a run that is to be trained on a target; `send` begins with it. In the caller's transaction. */
  insert(run: NewRun, target: string, fill: () => void): void {
    this.#store.insert(
      run,
      () => ({ status: 'queued', ownerPid: null, queuePosition: null }),
      () => {
        this.#store.catalog.away.save({
          runId: run.spec.runId,
          target,
          jobDir: '',
          slurmJob: null,
          arrayTask: null,
          pid: null,
          phase: 'sending',
          attempt: 0,
          readBytes: 0,
          retries: 0,
          note: null,
          seenAt: null,
        });
        fill();
      },
    );
  }

  /** From now on follows all runs on targets, those too that another Graft on this data folder has begun. */
  attend(): void {
    const look = (): void => {
      try {
        for (const lane of this.#lanesInUse()) lane.attend();
      } catch {
        // The catalogue is away: it is tried again the next time.
      }
    };
    this.#looking = setInterval(look, LOOK_FOR_OTHERS_MS).unref();
    look();
  }

  /** Sends what is to be sent, and follows what is there. */
  begin(): void {
    for (const lane of this.#lanesInUse()) lane.wake();
  }

  #lanesInUse(): Lane[] {
    const { catalog } = this.#store;
    const targets = catalog.away.open().map(({ target }) => target);
    return [...new Set(targets)].flatMap((target) => this.#lane(target) ?? []);
  }

  /**
   * Asks a run that is not over to pause or stop. One that is still being sent just ends; so does one that is asked to
   * stop once more while its target cannot be reached.
   */
  ask(run: RunView, wish: AwayWish): RunView {
    const { catalog, wishes } = this.#store;
    const away = catalog.away.get(run.id);
    if (wish === 'stop' && (away?.phase === 'sending' || run.status === 'paused')) {
      catalog.away.update(run.id, { phase: 'stopped', note: null });
      return this.#store.update(run.id, { status: 'stopped', endedAt: new Date().toISOString() });
    }
    if (away && wish === 'stop' && wishes.undelivered(run.id) === 'stop' && this.#lane(away.target)?.isAway)
      return this.#letGo(run, away);
    wishes.ask(run.id, wish);
    if (away) this.#lane(away.target)?.wake();
    return this.#store.announce(run.id);
  }

  /** Ends it here alone. */
  #letGo(run: RunView, { target }: AwayRun): RunView {
    const { catalog, wishes, heard } = this.#store;
    this.#store.log(run.id, `Stopped here only: ${target} could not be reached, so its job may go on there.`);
    wishes.forget(run.id);
    heard.forget(run.id);
    catalog.away.update(run.id, { phase: 'stopped', note: null });
    return this.#store.update(run.id, { status: 'stopped', endedAt: new Date().toISOString() });
  }

  /** Goes on with a run where it was, from its state there; `changes`: of its row. */
  again(run: Run, changes: Partial<Run>): RunView {
    const { catalog, wishes } = this.#store;
    wishes.forget(run.id);
    catalog.transaction(() => {
      catalog.away.update(run.id, {
        phase: 'sending',
        slurmJob: null,
        arrayTask: null,
        pid: null,
        retries: 0,
        note: null,
      });
      catalog.runs.update(run.id, { ...changes, status: 'queued', ownerPid: null, queuePosition: null });
    });
    this.begin();
    return this.#store.announce(run.id);
  }

  /** Removes the folder of a run that is over from its target, where that can be reached. */
  forget({ id }: Run): void {
    const away = this.#store.catalog.away.get(id);
    const target = away && this.#store.catalog.targets.get(away.target);
    if (target && away.jobDir !== '')
      void this.#machines
        .of(target)
        .remove(away.jobDir)
        .catch(() => undefined);
  }

  /** What is under way goes on there. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#looking);
    const lanes = [...this.#lanes.values()].map(({ lane }) => lane.close());
    this.#machines.close();
    await Promise.all(lanes);
  }

  /** Of the target as it is now. */
  #lane(name: string): Lane | undefined {
    const target = this.#store.catalog.targets.get(name);
    if (!target || this.#closed) return undefined;
    const spec = JSON.stringify(target);
    const known = this.#lanes.get(name);
    if (known?.spec === spec) return known.lane;
    const before = known?.lane.close();
    const lane = new Lane({
      store: this.#store,
      target,
      machine: this.#machines.of(target),
      stagingDir: this.#stagingDir,
      timing: this.#timing,
      before,
    });
    this.#lanes.set(name, { spec, lane });
    return lane;
  }
}
