/** Keeps `state.json` of a job as things are: at once where its phase changes, else at most every two seconds. */
import type { JobState } from '../../../src-shared/jobs.ts';
import { readState, writeState } from '../state.ts';

const INTERVAL_MS = 2000;

export class JobReport {
  #dir: string;
  #state: JobState;
  #writtenMs = 0;
  #timer: NodeJS.Timeout;

  constructor(dir: string, state: JobState) {
    this.#dir = dir;
    this.#state = state;
    this.#write();
    this.#timer = setInterval(() => this.#write(), INTERVAL_MS);
    this.#timer.unref();
  }

  step(step: number): void {
    this.#state = { ...this.#state, step };
    if (Date.now() - this.#writtenMs >= INTERVAL_MS) this.#write();
  }

  change(changes: Partial<JobState>): void {
    this.#state = { ...this.#state, ...changes };
  }

  /** The last word of this process. Throws what writing throws: without it nobody knows of the end. */
  end(changes: Partial<JobState> & Pick<JobState, 'phase'>): void {
    clearInterval(this.#timer);
    this.#giveWay();
    this.#state = { ...this.#state, ...changes, beatMs: Date.now() };
    writeState(this.#dir, this.#state);
  }

  #write(): void {
    this.#giveWay();
    this.#writtenMs = Date.now();
    this.#state = { ...this.#state, beatMs: this.#writtenMs };
    try {
      writeState(this.#dir, this.#state);
    } catch {
      // A disk that is full for a while does not end the training.
    }
  }

  /**
   * A node that was cut off from its cluster trains on while the job has been begun anew elsewhere: the newer attempt
   * counts, and this process writes nothing more.
   */
  #giveWay(): void {
    let attempt: number;
    try {
      attempt = readState(this.#dir)?.attempt ?? 0;
    } catch {
      return; // it is being replaced
    }
    if (attempt <= this.#state.attempt) return;
    process.stderr.write(`graft: attempt ${attempt} of this job has begun elsewhere; this one ends\n`);
    process.exit(1);
  }
}
