/** What the user has asked of a call that is under way; long loops look at it between two steps. */
import type { ControlAction } from '../../src-shared/workerCalls.ts';

/** As a run sees it. */
export type Wishes = Pick<CallControl, 'stopped' | 'paused' | 'untilReleased'>;

export class CallControl {
  /** End now, keeping what there is. */
  stopped = false;
  /** End now so that the work can go on later in another process; where both are asked for, `stopped` counts. */
  paused = false;
  #held = false;
  #wake: (() => void) | undefined;

  ask(action: ControlAction): void {
    if (action === 'stop') this.stopped = true;
    else if (action === 'pause') this.paused = true;
    else this.#held = action === 'hold';
    this.#wake?.();
  }

  /** Waits while the work is held; what ends it, ends the wait too. */
  async untilReleased(): Promise<void> {
    while (this.#held && !this.stopped && !this.paused)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }
}
