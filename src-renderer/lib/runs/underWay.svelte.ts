/** Where the runs under way are, as every page tells it; written by the listener that surrounds all pages. */
import type { Heat } from '../../../src-shared/heat.ts';
import type { RunProgress } from '../api.ts';

class UnderWay {
  /** By the run: one here, and those on other machines. */
  progress = $state.raw<Readonly<Record<string, RunProgress>>>({});
  /** How hot what it computes on is, once that has been read. */
  heat = $state.raw<Heat | undefined>();
  /** Graft does not answer: nothing that is shown as going on may be so any more. */
  lost = $state(false);

  /** Milliseconds that a run has left; undefined where that is not known. */
  msLeft(id: string | undefined): number | undefined {
    return this.lost || id === undefined ? undefined : (this.progress[id]?.msLeft ?? undefined);
  }
}

export const underWay = new UnderWay();
