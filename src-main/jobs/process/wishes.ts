/** What ends a job's training early: a request in its folder, a signal, or its time limit coming near. */
import { readControl } from '../state.ts';
import type { CallControl } from '../../worker/control.ts';

const LOOK_MS = 500;
/** Before the end of its time a job stops training, so that its state is written in time. */
const MARGIN_MS = 90_000;
/** Longest wait that a timer of Node takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** What a scheduler sends ahead of an end; what mpirun hands on to its processes is among it. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

export class Wishes {
  /** Set where it was no wish of the user's. */
  why: 'told to end' | 'time limit' | undefined;
  #control: CallControl;
  #stop: (() => void)[] = [];

  /** `jobDir`: null for a process that only helps another one. */
  constructor(jobDir: string | null, control: CallControl, endsAtMs?: number) {
    this.#control = control;
    if (jobDir !== null) {
      this.#obey(jobDir);
      const timer = setInterval(() => this.#obey(jobDir), LOOK_MS);
      this.#stop.push(() => clearInterval(timer));
    }
    for (const signal of SIGNALS) {
      const told = (): void => this.#interrupt(isNear(endsAtMs) ? 'time limit' : 'told to end');
      process.on(signal, told);
      this.#stop.push(() => process.off(signal, told));
    }
    if (endsAtMs !== undefined) {
      const waitMs = Math.min(LONGEST_MS, Math.max(0, endsAtMs - MARGIN_MS - Date.now()));
      const limit = setTimeout(() => this.#interrupt('time limit'), waitMs);
      this.#stop.push(() => clearTimeout(limit));
    }
  }

  close(): void {
    for (const stop of this.#stop) stop();
  }

  #obey(jobDir: string): void {
    try {
      const { action } = readControl(jobDir);
      if (action !== 'none') this.#control.ask(action);
    } catch {
      // It is being replaced, or is not ours: nothing is asked then.
    }
  }

  /** A second signal changes nothing: the state is being written. */
  #interrupt(why: 'told to end' | 'time limit'): void {
    this.why ??= why;
    this.#control.ask('pause');
  }
}

function isNear(endsAtMs: number | undefined): boolean {
  return endsAtMs !== undefined && endsAtMs - Date.now() < 2 * MARGIN_MS;
}
