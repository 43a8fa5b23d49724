/** Gathers steps that come fast: one message for each would keep host and page busy. */
import type { RunEvent } from './channel.ts';
import type { StepMetrics } from '../../../src-shared/training.ts';

/** What a page that watches a run is told: as it happens, but steps in their order a few at a time. */
export type WatchEvent = Exclude<RunEvent, { type: 'step' }> | { type: 'steps'; steps: StepMetrics[] };

/** Less than a page shows at a time (ten times a second). */
const GATHER_MS = 50;

/**
 * A listener for the events of one run; `end` forgets the steps that are still held. Every other event is told after
 * the steps that came before it.
 */
export function gatherSteps(tell: (event: WatchEvent) => void): {
  listener: (event: RunEvent) => void;
  end: () => void;
} {
  let steps: StepMetrics[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = (): void => {
    clearTimeout(timer);
    timer = undefined;
    steps = [];
  };
  const flush = (): void => {
    const held = steps;
    end();
    if (held.length > 0) tell({ type: 'steps', steps: held });
  };
  const listener = (event: RunEvent): void => {
    if (event.type === 'step') {
      steps.push(event);
      timer ??= setTimeout(flush, GATHER_MS);
    } else {
      flush();
      tell(event);
    }
  };
  return { listener, end };
}
