/** Tells how many rows are tokenised, looked through or measured, a few times a second, and how long it takes. */
import type { LoadProgress } from '../../../src-shared/loadProgress.ts';

const TELL_MS = 250;
/** Before that a rate says nothing. */
const KNOWN_AFTER_MS = 1000;

export class RowMeter {
  readonly #tell: (progress: LoadProgress) => void;
  readonly #startedMs = performance.now();
  readonly #work: LoadProgress['work'];
  #toldMs = 0;

  constructor(work: LoadProgress['work'], tell: (progress: LoadProgress) => void) {
    this.#work = work;
    this.#tell = tell;
  }

  /** How many rows there are is known at the end only; until then as many as so many bytes hold. */
  add = (rows: number, doneBytes: number, totalBytes: number): void => {
    const now = performance.now();
    if (now - this.#toldMs < TELL_MS) return;
    this.#toldMs = now;
    const share = Math.min(1, doneBytes / totalBytes);
    const elapsedMs = now - this.#startedMs;
    const leftMs = elapsedMs < KNOWN_AFTER_MS || share === 0 ? null : (elapsedMs * (1 - share)) / share;
    this.#tell({
      work: this.#work,
      done: rows,
      total: share === 0 ? rows : Math.round(rows / share),
      packs: false,
      leftMs,
    });
  };
}
