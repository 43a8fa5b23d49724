/** The queue of runs of this Graft process. It lies in the catalogue, so that it and its order outlive the process. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { usageError } from '../../../src-shared/errors.ts';

export class RunQueue {
  #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** In order; the first is the next to run. */
  get runs(): Run[] {
    return this.#catalog.runs.queued(process.pid);
  }

  has(id: string): boolean {
    return this.runs.some((run) => run.id === id);
  }

  /** What to write into the row of a run that joins at this end. */
  join(end: 'head' | 'tail'): Pick<Run, 'status' | 'ownerPid' | 'queuePosition'> {
    const positions = this.runs.map(({ queuePosition }) => queuePosition ?? 0);
    const queuePosition = end === 'head' ? Math.min(1, ...positions) - 1 : Math.max(0, ...positions) + 1;
    return { status: 'queued', ownerPid: process.pid, queuePosition };
  }

  /** `ids`: every queued run once, in the new order. Throws a usage error QUEUE_CHANGED where they are others. */
  reorder(ids: string[]): void {
    this.#catalog.transaction(() => {
      const queued = new Set(this.runs.map(({ id }) => id));
      if (ids.length !== queued.size || new Set(ids).size !== ids.length || ids.some((id) => !queued.has(id))) {
        throw usageError(
          'QUEUE_CHANGED',
          'The queue is not what it was when it was ordered, since a run has started, ended or joined; look at ' +
            'it again and order that.',
          { got: ids, queued: [...queued] },
        );
      }
      ids.forEach((id, i) => this.#catalog.runs.update(id, { queuePosition: i + 1 }));
    });
  }
}
