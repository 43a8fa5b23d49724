/**
 * A value loaded from the API, with the loading and error states that every page shows. While nobody answers it asks
 * again by itself.
 */
import { failureOf, type Failure } from './stream.ts';
import { Connection } from './host/connection.svelte.ts';

export class Resource<T> {
  data = $state.raw<T | undefined>();
  failure = $state.raw<Failure | undefined>();
  readonly error = $derived(this.failure?.message);
  loading = $state(false);
  #read: () => Promise<T>;
  #latest = 0;
  #connection = new Connection(() => void this.load());

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** Reads again; a stale answer, overtaken by a newer call, is dropped. */
  async load(): Promise<void> {
    const mine = ++this.#latest;
    this.loading = true;
    try {
      const data = await this.#read();
      if (mine !== this.#latest) return;
      this.data = data;
      this.failure = undefined;
    } catch (error) {
      if (mine !== this.#latest) return;
      this.failure = failureOf(error);
      this.#connection.note(this.failure);
    } finally {
      if (mine === this.#latest) this.loading = false;
    }
  }
}
