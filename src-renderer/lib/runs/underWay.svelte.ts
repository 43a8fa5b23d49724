/** Where the run under way is, as every page tells it; written by the listener that surrounds all pages. */
import type { Heat } from '../../../src-shared/heat.ts';
import type { RunProgress } from '../api.ts';

class UnderWay {
  progress = $state.raw<RunProgress | undefined>();
  /** How hot what it computes on is, once that has been read. */
  heat = $state.raw<Heat | undefined>();
  /** Graft does not answer: nothing that is shown as going on may be so any more. */
  lost = $state(false);

  /** Milliseconds that a run has left; undefined where that is not known. */
  msLeft(id: string | undefined): number | undefined {
    const { progress, lost } = this;
    return lost || progress === undefined || progress.id !== id ? undefined : (progress.msLeft ?? undefined);
  }
}

export const underWay = new UnderWay();
