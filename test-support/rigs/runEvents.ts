/** Waiting for something to happen to a run. */
import type { RunEvent } from '../../src-main/app/runs/channel.ts';
import type { TestBench } from './services.ts';

/** Resolves at the first event that `wanted` accepts. */
export function untilEvent({ services }: TestBench, id: string, wanted: (event: RunEvent) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const end = services.runs.subscribe(id, (event) => {
      if (!wanted(event)) return;
      end();
      resolve();
    });
  });
}
