/** What can befall one process of a run over MPI. */
import type { CallControl } from '../../src-main/worker/control.ts';
import type { TrainEvent } from '../../src-shared/training.ts';

export interface Trouble {
  rank: number;
  /** `pause`, `stop`: asked of this process alone. `kill`: by SIGKILL. */
  what: 'pause' | 'stop' | 'kill';
  afterMs: number;
}

export function prepareTrouble(_: Trouble, __: number, ___: CallControl): (event: TrainEvent) => void {
  return () => undefined;
}
