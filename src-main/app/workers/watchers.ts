/** Listeners by id: who wants to hear of one run or one export. */

export class Watchers<E> {
  #listeners = new Map<string, Set<(event: E) => void>>();

  /** Returns the function that ends the subscription. */
  subscribe(id: string, listener: (event: E) => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    };
  }

  emit(id: string, event: E): void {
    for (const listener of [...(this.#listeners.get(id) ?? [])]) listener(event);
  }
}
