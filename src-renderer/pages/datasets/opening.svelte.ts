/** How far a dataset file has been read, while its page waits for it. */
import { api } from '../../lib/api.ts';
import type { DatasetSource } from './datasetSource.ts';
import { streamOptions } from '../../lib/stream.ts';

export class Opening {
  /** In bytes; undefined when nothing is being read. */
  progress = $state.raw<{ done: number; total: number } | undefined>();
  #subscription: { unsubscribe: () => void } | undefined;

  watch(source: DatasetSource): void {
    this.stop();
    const end = (): void => this.stop();
    const data = (progress: { done: number; total: number }): void => void (this.progress = progress);
    // Whoever asks for the rows reports the failure.
    this.#subscription = api.datasets.open.subscribe(source, streamOptions({ data, failed: end, done: end }, end));
  }

  stop(): void {
    this.progress = undefined;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }
}
