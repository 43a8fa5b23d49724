/** Listeners by topic, such as the id of one run or one export. */
import { EventEmitter } from 'node:events';

export class Watchers<E> {
  // Every open page may listen, so there is no number of listeners that would hint at a leak.
  #emitter = new EventEmitter<Record<string, [E]>>().setMaxListeners(0);

  /** Returns the function that ends the subscription. */
  subscribe(topic: string, listener: (event: E) => void): () => void {
    this.#emitter.on(topic, listener);
    return () => this.#emitter.off(topic, listener);
  }

  emit(topic: string, event: E): void {
    this.#emitter.emit(topic, event);
  }
}
