/** Runs as streams of events, for pages that watch one run or all of them. */
import { streamOf } from '../events/stream.ts';
import type { RunsEvent } from './channel.ts';
import { gatherSteps, type WatchEvent } from './gatherSteps.ts';
import type { RunService } from './service.ts';
import { isOver } from './view.ts';

/** `watching` comes first, and what was read before it may be out of date. */
export type WatchAllEvent = RunsEvent | { type: 'watching' };

/** The run as it is, then every event, until it is over. */
export function watchRun(runs: RunService, id: string, signal?: AbortSignal): AsyncGenerator<WatchEvent, void, void> {
  const subscribe = (tell: (event: WatchEvent) => void): (() => void) => {
    const { listener, end } = gatherSteps(tell);
    const unsubscribe = runs.subscribe(id, listener);
    return () => {
      unsubscribe();
      end();
    };
  };
  return streamOf<WatchEvent>(subscribe, {
    first: [{ type: 'status', run: runs.require(id) }],
    isLast: (event) => event.type === 'status' && isOver(event.run),
    signal,
  });
}

/**
 * `watching`, from which on nothing is missed, the runs that are not over, then every change of any run, and progress
 * at most twice a second; without an end.
 */
export function watchRuns(runs: RunService, signal?: AbortSignal): AsyncGenerator<WatchAllEvent, void, void> {
  return streamOf<WatchAllEvent>((listener) => runs.subscribeAll(listener), {
    first: [{ type: 'watching' }, ...openRuns(runs)],
    isLast: () => false,
    signal,
  });
}

/** The runs that are not over, and how far those under way are. */
export function openRuns(runs: RunService): RunsEvent[] {
  const { progress, awayProgress } = runs;
  const open = runs.list().filter((run) => !isOver(run));
  const events = open.map((run): RunsEvent => ({ type: 'run', run }));
  const told = progress ? [progress, ...awayProgress] : awayProgress;
  return [...events, ...told.map((one): RunsEvent => ({ type: 'progress', ...one }))];
}
