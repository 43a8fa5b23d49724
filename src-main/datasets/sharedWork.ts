/** Work that is done once for all who wait for it, and stopped when the last of them has gone. */

export class SharedWork<T> {
  #controller = new AbortController();
  #waiting = 0;
  #cancelled: () => Error;
  readonly result: Promise<T>;

  /** `cancelled`: what is thrown to whoever goes. */
  constructor(start: (signal: AbortSignal) => Promise<T>, cancelled: () => Error) {
    this.#cancelled = cancelled;
    this.result = start(this.#controller.signal);
    // Whoever waits hears of a failure.
    this.result.catch(() => undefined);
  }

  /** Whoever comes now starts anew. */
  get isStopped(): boolean {
    return this.#controller.signal.aborted;
  }

  stop(): void {
    this.#controller.abort();
  }

  /** Throws what the work throws, or `cancelled` once `signal` is aborted. */
  async wait(signal?: AbortSignal): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const leave = (): void => reject(this.#cancelled());
    this.#waiting++;
    signal?.addEventListener('abort', leave);
    if (signal?.aborted) leave();
    try {
      return await Promise.race([this.result, promise]);
    } catch (error) {
      if (signal?.aborted && this.#waiting === 1) this.stop();
      throw error;
    } finally {
      this.#waiting--;
      signal?.removeEventListener('abort', leave);
    }
  }
}
