/** How many runs are under way at once, and the memory that they pass through. */

/** Gives memory of at least as many bytes; once for a run. */
export type Scratch = (bytes: number) => SharedArrayBuffer;

export class RunGate {
  #free: number;
  #waiting: (() => void)[] = [];
  #spare: SharedArrayBuffer[] = [];

  constructor(width: number) {
    this.#free = width;
  }

  /** `work` on each of the items, some at once; after a failure no further one begins, and none is under way. */
  async all<T, R>(items: readonly T[], work: (item: T, scratch: Scratch) => Promise<R>): Promise<R[]> {
    let failed = false;
    const done = items.map(async (item) => {
      await this.#turn();
      let held: SharedArrayBuffer | undefined;
      try {
        if (failed) return undefined;
        return await work(item, (bytes) => (held = this.#take(bytes)));
      } catch (error) {
        failed = true;
        throw error;
      } finally {
        if (held) this.#spare.push(held);
        this.#next();
      }
    });
    const results = await Promise.allSettled(done);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    return results.map((result) => (result as PromiseFulfilledResult<R>).value);
  }

  async #turn(): Promise<void> {
    if (this.#free > 0) return void this.#free--;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }

  #take(bytes: number): SharedArrayBuffer {
    const at = this.#spare.findIndex(({ byteLength }) => byteLength >= bytes);
    if (at >= 0) return this.#spare.splice(at, 1)[0]!;
    this.#spare.pop(); // too small: makes room
    return new SharedArrayBuffer(bytes);
  }
}
