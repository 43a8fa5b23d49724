/** What the user has asked of a call that is under way; long loops look at it between two steps. */
export class CallControl {
  /** End now, keeping what there is. */
  stopped = false;
  /** End now so that the work can go on later in another process; where both are asked for, `stopped` counts. */
  paused = false;

  ask(action: 'pause' | 'stop'): void {
    if (action === 'stop') this.stopped = true;
    else this.paused = true;
  }
}
