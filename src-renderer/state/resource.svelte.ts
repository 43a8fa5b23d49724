/** A value loaded from the API, with the loading and error states that every page shows. */
import { errorSentence } from '../stream.ts';

export class Resource<T> {
  data = $state.raw<T | undefined>();
  error = $state<string | undefined>();
  loading = $state(false);
  #read: () => Promise<T>;
  #latest = 0;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** Reads again; an answer that a newer call has overtaken is dropped. */
  async load(): Promise<void> {
    const mine = ++this.#latest;
    this.loading = true;
    try {
      const data = await this.#read();
      if (mine !== this.#latest) return;
      this.data = data;
      this.error = undefined;
    } catch (error) {
      if (mine === this.#latest) this.error = errorSentence(error);
    } finally {
      if (mine === this.#latest) this.loading = false;
    }
  }
}
