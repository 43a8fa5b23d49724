/** Long work in slices of a few milliseconds, so that the process stays responsive. */
import { setImmediate } from 'node:timers/promises';

const WORK_MS = 5;

export class TimeSlice {
  #since = performance.now();

  /** Whether it is time for `pause`. Cheap enough for every row. */
  isOver(): boolean {
    return performance.now() - this.#since > WORK_MS;
  }

  async pause(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}

/** Work that pauses often, where it may be interrupted. */
export type Steps<T> = Generator<void, T>;

/** Items after which a loop over simple numbers pauses. */
export const STEP_ITEMS = 4096;

/** The result of `steps`; other work of the process has its turn in between. */
export async function inSlices<T>(steps: Steps<T>): Promise<T> {
  const slice = new TimeSlice();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (slice.isOver()) await slice.pause();
  }
}

/** The result of `steps`, for a process that has nothing else to do. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
