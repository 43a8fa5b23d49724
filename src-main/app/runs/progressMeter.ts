/**
 * How far a run is and how long it still takes, from the wall-clock time between its last steps, evaluations included.
 */
export interface RunProgress {
  id: string;
  step: number;
  totalSteps: number;
  loss: number;
  /** Null until two steps have been seen. */
  msLeft: number | null;
}

/** Shortest time between two messages about one run. */
const INTERVAL_MS = 500;
/** Least steps that the mean is over. */
const LEAST_STEPS = 32;

export class ProgressMeter {
  latest: RunProgress | null = null;
  private readonly id: string;
  private readonly totalSteps: number;
  private readonly window: number;
  private readonly arrivals: number[] = [];
  private toldMs = -Infinity;

  /** evalEvery: steps from one evaluation to the next, so that the mean holds its share of them; 0: none. */
  constructor(id: string, totalSteps: number, evalEvery: number) {
    this.id = id;
    this.totalSteps = totalSteps;
    this.window = Math.max(LEAST_STEPS, evalEvery);
  }

  /** Counts a step; what there is to tell now, or null where the last message is too fresh. */
  push({ step, loss }: { step: number; loss: number }, nowMs: number): RunProgress | null {
    const { arrivals } = this;
    arrivals.push(nowMs);
    if (arrivals.length > this.window + 1) arrivals.shift();
    const meanMs = arrivals.length < 2 ? null : (nowMs - arrivals[0]!) / (arrivals.length - 1);
    this.latest = {
      id: this.id,
      step,
      totalSteps: this.totalSteps,
      loss,
      msLeft: meanMs === null ? null : meanMs * Math.max(0, this.totalSteps - step),
    };
    if (nowMs - this.toldMs < INTERVAL_MS && step !== this.totalSteps) return null;
    this.toldMs = nowMs;
    return this.latest;
  }
}
