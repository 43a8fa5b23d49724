/** Tells listeners of runs: of one run everything, of all runs their states and how far they are. */
import type { TrainEvent } from '../../../src-shared/training.ts';
import type { RunProgress } from './progressMeter.ts';
import type { RunView } from './view.ts';
import { Watchers } from '../events/watchers.ts';

/** Of one run. */
export type RunEvent = TrainEvent | { type: 'status'; run: RunView };

/** Of all runs. */
export type RunsEvent =
  { type: 'run'; run: RunView } | ({ type: 'progress' } & RunProgress) | { type: 'removed'; id: string };

const ALL = 'all';

export class RunChannel {
  #one = new Watchers<RunEvent>();
  #all = new Watchers<RunsEvent>();

  subscribe(id: string, listener: (event: RunEvent) => void): () => void {
    return this.#one.subscribe(id, listener);
  }

  subscribeAll(listener: (event: RunsEvent) => void): () => void {
    return this.#all.subscribe(ALL, listener);
  }

  /** The run as it is now. */
  status(run: RunView): void {
    this.#one.emit(run.id, { type: 'status', run });
    this.#all.emit(ALL, { type: 'run', run });
  }

  event(id: string, event: TrainEvent): void {
    this.#one.emit(id, event);
  }

  progress(progress: RunProgress): void {
    this.#all.emit(ALL, { type: 'progress', ...progress });
  }

  removed(id: string): void {
    this.#all.emit(ALL, { type: 'removed', id });
  }
}
