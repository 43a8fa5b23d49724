/** One thing the user asked for: busy while it runs, an error sentence when it failed. */
import { errorSentence } from '../stream.ts';

export class Action {
  busy = $state(false);
  error = $state<string | undefined>();

  /** Runs the work and returns its value; undefined when it failed (the sentence is in `error`). */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    this.busy = true;
    this.error = undefined;
    try {
      return await work();
    } catch (error) {
      this.error = errorSentence(error);
      return undefined;
    } finally {
      this.busy = false;
    }
  }
}
