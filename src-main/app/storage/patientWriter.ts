/**
 * Writes to the catalogue that must not be lost and must not block: in their order, each once. While the catalogue is
 * locked (a backup) or its disk is full they wait in memory and are tried again every second.
 */
import type { Catalog } from '../../catalog/catalog.ts';

interface Write {
  work: () => void;
  then: () => void;
}

const PAUSE_MS = 1000;

export class PatientWriter {
  #catalog: Catalog;
  #pauseMs: number;
  #queue: Write[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(catalog: Catalog, pauseMs = PAUSE_MS) {
    this.#catalog = catalog;
    this.#pauseMs = pauseMs;
  }

  /** Whether everything so far has been written. */
  get isUpToDate(): boolean {
    return this.#queue.length === 0;
  }

  /**
   * `work` writes, all or nothing and perhaps more than once until it succeeds; `then` follows once, after that. Throws
   * what waiting does not mend, such as a damaged catalogue.
   */
  write(work: () => void, then: () => void = () => undefined): void {
    this.#queue.push({ work, then });
    if (this.#timer === undefined) this.#drain();
  }

  /** As `write`; resolves when it is done. Rejects with what waiting does not mend. */
  save(work: () => void, then?: () => void): Promise<void> {
    try {
      this.write(work, then);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.isUpToDate) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** One last try; what is not written then the next start reads from the folder of the run or the export. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      this.#drain();
    } catch {
      // As above.
    }
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #drain(): void {
    while (this.#queue.length > 0) {
      const [{ work, then }] = this.#queue as [Write];
      try {
        if (!this.#catalog.tryWrite(work)) return this.#later();
      } catch (error) {
        this.#queue.shift();
        throw error;
      }
      this.#queue.shift();
      then();
    }
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  #later(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#drain();
      } catch (error) {
        for (const { reject } of this.#waiting.splice(0)) reject(error);
        if (this.#queue.length > 0) this.#later();
      }
    }, this.#pauseMs);
  }
}
