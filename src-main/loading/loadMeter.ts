/** Tells how far a load is, a few times a second and at its end, and how long it will go on. */
import type { LoadProgress } from '../../src-shared/loadProgress.ts';

const TELL_MS = 250;
/** Before that a rate says nothing. */
const KNOWN_AFTER_MS = 1000;

export class LoadMeter {
  #total: number;
  #tell: (progress: LoadProgress) => void;
  #now: () => number;
  #startedMs: number;
  #toldMs: number;
  #done = 0;
  /** Set where weights are packed on the way. */
  packs = false;

  constructor(total: number, tell: (progress: LoadProgress) => void, now = (): number => performance.now()) {
    this.#total = total;
    this.#tell = tell;
    this.#now = now;
    this.#startedMs = this.#toldMs = now();
  }

  add(weights: number): void {
    this.#done = Math.min(this.#total, this.#done + weights);
    const now = this.#now();
    if (now - this.#toldMs < TELL_MS && this.#done < this.#total) return;
    this.#toldMs = now;
    const elapsedMs = now - this.#startedMs;
    const leftMs = elapsedMs < KNOWN_AFTER_MS ? null : (elapsedMs * (this.#total - this.#done)) / this.#done;
    this.#tell({ done: this.#done, total: this.#total, packs: this.packs, leftMs });
  }
}
