/** One thing the user asked for: busy while it runs, an error sentence when it failed. */
import { failureOf, type Failure } from './stream.ts';

export class Action {
  busy = $state(false);
  failure = $state.raw<Failure | undefined>();
  readonly error = $derived(this.failure?.message);

  /**
   * Runs the work and returns its value; undefined when it failed (the sentence is in `error`, code and details in
   * `failure`).
   */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    this.busy = true;
    this.failure = undefined;
    try {
      return await work();
    } catch (error) {
      this.failure = failureOf(error);
      return undefined;
    } finally {
      this.busy = false;
    }
  }
}
