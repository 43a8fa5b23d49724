/** Reads a dataset file before its page asks what is in it: how far that is, and an end of it when the page goes. */
import { api } from '../../lib/api.ts';
import type { DatasetSource } from './datasetSource.ts';
import { streamOptions } from '../../lib/stream.ts';

export class Opening {
  /** In bytes; undefined when nothing is being read. */
  progress = $state.raw<{ done: number; total: number } | undefined>();
  #end: (isRead: boolean) => void = () => undefined;

  /**
   * False where `stop` or another reading came first. A failure ends the reading as well: whoever asks for the rows
   * then reports it.
   */
  read(source: DatasetSource): Promise<boolean> {
    this.stop();
    this.progress = { done: 0, total: 0 };
    return new Promise((resolve) => {
      const end = (isRead: boolean): void => {
        this.progress = undefined;
        this.#end = () => undefined;
        subscription.unsubscribe();
        resolve(isRead);
      };
      const over = (): void => end(true);
      this.#end = end;
      const data = (progress: { done: number; total: number }): void => void (this.progress = progress);
      const subscription = api.datasets.open.subscribe(source, streamOptions({ data, failed: over, done: over }, over));
    });
  }

  /** Where nobody else waits for the file, it is not read to its end. */
  stop(): void {
    this.#end(false);
  }
}
