/** Places beside this machine where runs can be trained: kept in the catalogue, asked through `ask`. */
import type { AwayRun } from '../../catalog/away.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import type { RemoteTarget, TargetCheck, TargetLoad } from '../../../src-shared/remoteTargets.ts';
import { isOver } from '../runs/view.ts';
import type { AddTarget } from './inputs.ts';

/** What only the machine itself can tell. Both throw GraftError where it cannot be reached. */
export interface AskTarget {
  /** What is there of all that a run needs. */
  check(target: RemoteTarget): Promise<TargetCheck>;
  load(target: RemoteTarget): Promise<TargetLoad>;
}

export class TargetService {
  readonly #catalog: Catalog;
  readonly #ask: AskTarget;

  constructor({ catalog, ask }: { catalog: Catalog; ask: AskTarget }) {
    this.#catalog = catalog;
    this.#ask = ask;
  }

  /** Oldest first. */
  list(): RemoteTarget[] {
    return this.#catalog.targets.list();
  }

  /** Throws a usage error TARGET_NOT_FOUND. */
  require(name: string): RemoteTarget {
    const target = this.#catalog.targets.get(name);
    if (target) return target;
    throw usageError(
      'TARGET_NOT_FOUND',
      `There is no target "${name}"; "targets list" and the settings show those that exist.`,
      { target: name },
    );
  }

  /**
   * Throws a usage error TARGET_NAME where the name is taken, unless that one is to be replaced, and TARGET_IN_USE
   * where it is of another kind and runs of it are not over: they would not be found again.
   */
  add({ target, replace }: AddTarget): RemoteTarget {
    this.#catalog.transaction(() => {
      if (!replace && this.#catalog.targets.get(target.name))
        throw usageError(
          'TARGET_NAME',
          `There is a target "${target.name}" already; choose another name, or replace it (--replace).`,
          { target: target.name },
        );
      const before = this.#catalog.targets.get(target.name);
      if (before && before.kind !== target.kind) this.#refuseOpenRuns(target.name, 'change its kind');
      this.#catalog.targets.save(target);
    });
    return this.require(target.name);
  }

  /**
   * Forgets the target, and where the runs that are over were trained; the runs stay. Nothing is removed on the target
   * itself. Throws a usage error TARGET_NOT_FOUND, or TARGET_IN_USE while a run of it is not over.
   */
  remove(name: string): { removed: string } {
    this.require(name);
    this.#catalog.transaction(() => {
      const { away, targets } = this.#catalog;
      this.#refuseOpenRuns(name, 'remove it');
      for (const { runId } of this.#rowsOf(name)) away.remove(runId);
      targets.remove(name);
    });
    return { removed: name };
  }

  #rowsOf(name: string): AwayRun[] {
    const { away } = this.#catalog;
    return away.countOn(name) === 0 ? [] : away.list().filter(({ target }) => target === name);
  }

  /** Throws a usage error TARGET_IN_USE. */
  #refuseOpenRuns(name: string, next: string): void {
    const found = this.#rowsOf(name).flatMap(({ runId }) => this.#catalog.runs.get(runId) ?? []);
    const open = found.filter((run) => !isOver(run));
    if (open.length === 0) return;
    throw usageError(
      'TARGET_IN_USE',
      `The target "${name}" has ${counted(open.length, 'run')} not over yet, such as ${open[0]!.name}; stop them ` +
        `or wait for their end, then ${next}.`,
      { target: name, runs: open.map(({ id }) => id) },
    );
  }

  /** Throws a usage error TARGET_NOT_FOUND, or what asking it throws. */
  async check(name: string): Promise<TargetCheck> {
    return this.#ask.check(this.require(name));
  }

  /** As `check`. */
  async load(name: string): Promise<TargetLoad> {
    return this.#ask.load(this.require(name));
  }
}
