/**
 * How far a run is and how long it still takes: the steps, and the evaluations, sample texts and checkpoints that are
 * still to come, each as long as the last ones took by the wall clock.
 */
import type { TrainEvent } from '../../../src-shared/training.ts';
import type { TrainSettings } from '../../../src-shared/settings/training.ts';

export interface RunProgress {
  id: string;
  step: number;
  totalSteps: number;
  loss: number;
  /** Null until two steps have been seen. */
  msLeft: number | null;
}

/** Events whose work takes time; each comes when its work is done. */
type Timed = Extract<TrainEvent, { type: 'step' | 'eval' | 'sample' | 'checkpoint' }>;

export function isTimed(event: TrainEvent): event is Timed {
  return ['step', 'eval', 'sample', 'checkpoint'].includes(event.type);
}

export type Schedule = Pick<TrainSettings, 'evalEvery' | 'checkpointEvery'>;

/** Shortest time between two messages about one run. */
const INTERVAL_MS = 500;
/** Of so many last ones the mean is taken. */
const STEPS = 32;
const OTHERS = 4;

export class ProgressMeter {
  latest: RunProgress | null = null;
  private readonly id: string;
  private readonly totalSteps: number;
  private readonly schedule: Schedule;
  private readonly took: Record<Timed['type'], number[]> = { step: [], eval: [], sample: [], checkpoint: [] };
  /** Last step at which each was done. */
  private readonly doneAt = { eval: -1, sample: -1, checkpoint: -1 };
  private lastMs: number;
  private toldMs = -Infinity;

  /** `startMs`: when training began, on the clock of `push`. */
  constructor(id: string, totalSteps: number, schedule: Schedule, startMs: number) {
    this.id = id;
    this.totalSteps = totalSteps;
    this.schedule = schedule;
    this.lastMs = startMs;
  }

  /** Counts what has been done; what there is to tell now, or null where the last message is too fresh. */
  push(event: Timed, nowMs: number): RunProgress | null {
    this.time(event.type, nowMs);
    if (event.type !== 'step') {
      this.doneAt[event.type] = event.step;
      return null;
    }
    const { step, loss } = event;
    this.latest = { id: this.id, step, totalSteps: this.totalSteps, loss, msLeft: this.msLeft(step) };
    if (nowMs - this.toldMs < INTERVAL_MS && step !== this.totalSteps) return null;
    this.toldMs = nowMs;
    return this.latest;
  }

  /** The time since the event before belongs to this one. A first step, which compiles, says nothing of the others. */
  private time(type: Timed['type'], nowMs: number): void {
    const { lastMs, latest, took } = this;
    this.lastMs = nowMs;
    if (type === 'step' && latest === null) return;
    took[type].push(nowMs - lastMs);
    if (took[type].length > (type === 'step' ? STEPS : OTHERS)) took[type].shift();
  }

  private msLeft(step: number): number | null {
    const { took, doneAt, totalSteps } = this;
    const { evalEvery, checkpointEvery } = this.schedule;
    if (took.step.length === 0) return null;
    // An evaluation always ends the run; no checkpoint does.
    const evaluations = (done: number) => countDue(evalEvery, done, totalSteps - 1) + (done < totalSteps ? 1 : 0);
    return (
      mean(took.step) * Math.max(0, totalSteps - step) +
      mean(took.eval) * evaluations(Math.max(doneAt.eval, step - 1)) +
      mean(took.sample) * evaluations(Math.max(doneAt.sample, step - 1)) +
      mean(took.checkpoint) * countDue(checkpointEvery, Math.max(doneAt.checkpoint, step - 1), totalSteps - 1)
    );
  }
}

/** Multiples of `every` after `from`, up to `to`; none where `every` is 0. */
function countDue(every: number, from: number, to: number): number {
  return every > 0 ? Math.max(0, Math.floor(to / every) - Math.floor(from / every)) : 0;
}

/** 0 of none: what has never happened costs nothing yet. */
function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
