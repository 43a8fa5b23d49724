/** What the user has asked of runs on targets, until it has come about. */
export type Wish = 'pause' | 'stop';

export class Wishes {
  #asked = new Map<string, { wish: Wish; isDelivered: boolean }>();

  /** A wish to stop outlives one to pause. */
  ask(runId: string, wish: Wish): void {
    const before = this.#asked.get(runId)?.wish;
    if (before !== 'stop' && before !== wish) this.#asked.set(runId, { wish, isDelivered: false });
  }

  of(runId: string): Wish | null {
    return this.#asked.get(runId)?.wish ?? null;
  }

  /** What is still to be brought to its target. */
  undelivered(runId: string): Wish | null {
    const asked = this.#asked.get(runId);
    return asked && !asked.isDelivered ? asked.wish : null;
  }

  delivered(runId: string): void {
    const asked = this.#asked.get(runId);
    if (asked) asked.isDelivered = true;
  }

  forget(runId: string): void {
    this.#asked.delete(runId);
  }
}
