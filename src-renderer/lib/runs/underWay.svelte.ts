/** Where the run under way is, as every page tells it; written by the listener that surrounds all pages. */
import type { RunProgress } from '../api.ts';

class UnderWay {
  progress = $state.raw<RunProgress | undefined>();
  /** Graft does not answer: nothing that is shown as going on may be so any more. */
  lost = $state(false);

  /** Milliseconds that a run has left; undefined where that is not known. */
  msLeft(id: string | undefined): number | undefined {
    const { progress, lost } = this;
    return lost || progress === undefined || progress.id !== id ? undefined : (progress.msLeft ?? undefined);
  }
}

export const underWay = new UnderWay();
