/** What the user has asked of a call that is under way; long loops look at it between two steps. */
export class CallControl {
  stopped = false;
  private resume: (() => void) | null = null;
  private waiting: Promise<void> | null = null;

  ask(action: 'pause' | 'continue' | 'stop'): void {
    if (action === 'pause') {
      this.waiting ??= new Promise((resolve) => (this.resume = resolve));
      return;
    }
    if (action === 'stop') this.stopped = true;
    this.resume?.();
    this.resume = null;
    this.waiting = null;
  }

  /** Resolves when a pause ends, by continuing or stopping; undefined when there is none. */
  get paused(): Promise<void> | null {
    return this.waiting;
  }
}
