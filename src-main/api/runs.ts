/** Training runs: start, queue, watch, pause, stop, resume, and what they leave behind. */
import { z } from 'zod';
import { readAppSettings, withMemoryLimit } from '../app/settings/settings.ts';
import { inspectRun } from '../app/runs/inspectRun.ts';
import { rollBack, rollBackSchema } from '../app/runs/rollBack.ts';
import { startRunSchema } from '../app/runs/input.ts';
import type { RunsEvent } from '../app/runs/channel.ts';
import { isOver } from '../app/runs/view.ts';
import type { Services } from '../app/services.ts';
import { keptStates } from '../runfolder/keptStates.ts';
import { gatherSteps, type WatchEvent } from '../app/runs/gatherSteps.ts';
import { streamOf } from './stream.ts';
import { procedure, router } from './trpc.ts';

const byId = z.object({ id: z.string() });

/** What `watchAll` tells: `watching` comes first, and what was read before it may be out of date. */
export type WatchAllEvent = RunsEvent | { type: 'watching' };

export function runsRouter(services: Services) {
  return router({ ...control(services), ...history(services) });
}

function control(services: Services) {
  const { runs } = services;
  return {
    /** Newest first. */
    list: procedure.query(() => runs.list()),
    /** Queued runs; the first is the next. */
    queue: procedure.query(() => runs.queue()),
    get: procedure.input(byId).query(({ input }) => runs.get(input.id)),
    /** A run that names no memory limit gets the one of the settings. */
    start: procedure
      .input(startRunSchema)
      .mutation(({ input }) => runs.start(withMemoryLimit(input, readAppSettings(services.catalog)))),
    /** One step of the run that would start, measured; nothing is kept. */
    preflight: procedure
      .input(startRunSchema)
      .mutation(({ input }) => runs.preflight(withMemoryLimit(input, readAppSettings(services.catalog)))),

    /** The run as it is, then every event, until it is over. */
    watch: procedure.input(byId).subscription(({ input, signal }) => {
      const run = runs.get(input.id);
      const subscribe = (tell: (event: WatchEvent) => void): (() => void) => {
        const { listener, end } = gatherSteps(tell);
        const unsubscribe = runs.subscribe(input.id, listener);
        return () => {
          unsubscribe();
          end();
        };
      };
      return streamOf<WatchEvent>(subscribe, {
        first: [{ type: 'status', run }],
        isLast: (event) => event.type === 'status' && isOver(event.run),
        signal,
      });
    }),
    /**
     * `watching`, from which on nothing is missed, the runs that are not over, then every change of any run, and
     * progress at most twice a second; without an end.
     */
    watchAll: procedure.subscription(({ signal }) => {
      const open = runs.list().filter((run) => !isOver(run));
      const { progress } = runs;
      const first: WatchAllEvent[] = [{ type: 'watching' }, ...open.map((run) => ({ type: 'run' as const, run }))];
      if (progress) first.push({ type: 'progress', ...progress });
      return streamOf<WatchAllEvent>((listener) => runs.subscribeAll(listener), { first, isLast: () => false, signal });
    }),

    stop: procedure.input(byId).mutation(({ input }) => runs.stop(input.id)),
    pause: procedure.input(byId).mutation(({ input }) => runs.pause(input.id)),
    continue: procedure.input(byId).mutation(({ input }) => runs.continue(input.id)),
    resume: procedure.input(byId).mutation(({ input }) => runs.resume(input.id)),
    /** All queued runs in their new order. */
    reorder: procedure.input(z.object({ ids: z.array(z.string()) })).mutation(({ input }) => runs.reorder(input.ids)),
    rename: procedure
      .input(byId.extend({ name: z.string().trim().min(1).max(120) }))
      .mutation(({ input }) => runs.rename(input.id, input.name)),
    /** A run that is over, with its folder; adapters stay. */
    remove: procedure.input(byId).mutation(({ input }) => runs.remove(input.id)),
    /** A new run from an earlier checkpoint, without some rows. */
    rollBack: procedure.input(rollBackSchema).mutation(({ input }) => rollBack(services, input)),
  };
}

function history(services: Services) {
  const { catalog, runs } = services;
  return {
    /** Metrics of the steps after `afterStep`, and all validation losses. */
    metrics: procedure.input(byId.extend({ afterStep: z.number().int().min(0).default(0) })).query(({ input }) => {
      runs.get(input.id);
      return {
        steps: catalog.metrics.after(input.id, input.afterStep),
        evaluations: catalog.metrics.evaluations(input.id),
      };
    }),
    /**
     * The same, column by column: at most `maxPoints` steps after `afterStep` (`more` says whether there are others),
     * and the validation losses after the step `afterEvaluation`. Asked again with the last step it is what is new.
     */
    series: procedure
      .input(
        byId.extend({
          afterStep: z.number().int().min(0).default(0),
          afterEvaluation: z.number().int().min(-1).default(-1),
          maxPoints: z.number().int().min(1).max(200_000).default(20_000),
        }),
      )
      .query(({ input }) => {
        runs.get(input.id);
        return catalog.metrics.series(input.id, input.afterStep, input.afterEvaluation, input.maxPoints);
      }),

    /** Greedy texts from the run's prompts, by step; `texts` in the order of `prompts`. */
    samples: procedure.input(byId).query(({ input }) => ({
      prompts: runs.get(input.id).spec.train.samplePrompts ?? [],
      samples: catalog.runHistory.samples(input.id),
    })),
    /** Lines after the one with the id `after`, oldest first. */
    log: procedure.input(byId.extend({ after: z.number().int().min(0).default(0) })).query(({ input }) => {
      runs.get(input.id);
      return catalog.runHistory.log(input.id, input.after);
    }),
    /** Those that are kept, rising by step. */
    checkpoints: procedure.input(byId).query(({ input }) => keptStates(runs.get(input.id).spec.runDir)),
    /** The rows of one step, each with its own loss; may take a while. Ending the request cancels it. */
    inspectStep: procedure
      .input(byId.extend({ step: z.number().int().min(1) }))
      .query(({ input, signal }) => inspectRun(services, { ...input, signal })),
  };
}
