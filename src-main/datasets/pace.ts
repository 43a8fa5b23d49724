/** Keeps long work from holding up the process: it works for some milliseconds, then others have their turn. */
import { setImmediate } from 'node:timers/promises';

const WORK_MS = 10;

export class Pace {
  #since = performance.now();

  /** Whether it is time for `rest`. Cheap enough for every row. */
  isDue(): boolean {
    return performance.now() - this.#since > WORK_MS;
  }

  async rest(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}
