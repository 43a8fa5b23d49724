/** How long the event loop of this process stands still, but for times in which other programs had the processors. */
import fs from 'node:fs';

const EVERY_MS = 5;

export class LoopDelay {
  #longestMs = 0;
  #last = performance.now();
  #waited = waitedMs();

  constructor() {
    setInterval(() => {
      const now = performance.now();
      const waited = waitedMs();
      this.#longestMs = Math.max(this.#longestMs, now - this.#last - EVERY_MS - (waited - this.#waited));
      [this.#last, this.#waited] = [now, waited];
    }, EVERY_MS).unref();
  }

  get longestMs(): number {
    return this.#longestMs;
  }
}

/** In which the main thread could have run and had no processor; 0 where the system does not tell. */
function waitedMs(): number {
  try {
    const [, waitedNs = 0] = fs
      .readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1')
      .split(' ')
      .map(Number);
    return waitedNs / 1e6;
  } catch {
    return 0;
  }
}
