/** What the user has asked of runs on targets until it has come about; the catalogue keeps it while Graft is closed. */
import type { AwayWish } from '../../catalog/away.ts';
import type { Catalog } from '../../catalog/catalog.ts';

export class Wishes {
  readonly #rows: Catalog['away'];
  /** What this process has brought to the targets. */
  #delivered = new Map<string, AwayWish>();

  constructor(rows: Catalog['away']) {
    this.#rows = rows;
  }

  /** A wish to stop outlives one to pause. */
  ask(runId: string, wish: AwayWish): void {
    if (this.of(runId) !== 'stop') this.#rows.update(runId, { asked: wish });
  }

  of(runId: string): AwayWish | null {
    return this.#rows.get(runId)?.asked ?? null;
  }

  /** What is still to be brought to its target. */
  undelivered(runId: string): AwayWish | null {
    const wish = this.of(runId);
    return wish === this.#delivered.get(runId) ? null : wish;
  }

  delivered(runId: string, wish: AwayWish): void {
    this.#delivered.set(runId, wish);
  }

  forget(runId: string): void {
    this.#delivered.delete(runId);
    if (this.of(runId) !== null) this.#rows.update(runId, { asked: null });
  }
}
