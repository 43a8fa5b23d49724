/**
 * Looks for the learning rate of a run that does not start, in a worker process of its own; nothing is kept. It takes
 * the place of a run: what is queued waits until it has ended.
 */
import { z } from 'zod';
import type { RateCurve, RateGrid, RateProgress } from '../../../src-shared/lab.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { GRID_SETTINGS, RATE_SETTINGS } from '../../../src-shared/settings/rate.ts';
import { schemaOf } from '../../../src-shared/settings/setting.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import { streamOfCall } from '../events/stream.ts';
import type { Registered } from './input.ts';
import { checkStart, startRunSchema } from './input.ts';
import type { RunService } from './service.ts';
import type { SettingsService } from '../settings/service.ts';
import type { Home } from '../storage/home.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';

export const findRateSchema = schemaOf(RATE_SETTINGS)
  .extend({ run: startRunSchema })
  .refine(({ from, to }) => from < to, { path: ['to'], error: 'must be above the lowest rate' });

export const compareRatesSchema = schemaOf(GRID_SETTINGS).extend({
  run: startRunSchema,
  around: z.number().positive(),
});

export type RateEvent<T> = ({ type: 'progress' } & RateProgress) | { type: 'found'; result: T };

interface Parts extends Registered {
  home: Home;
  settings: SettingsService;
  workers: Workers;
  engines: EngineService;
  runs: RunService;
}

export class RateFinder {
  #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Progress, and last the curve. Throws BUSY while a run trains, and what the start of the run would throw. */
  async *find(
    { run, ...range }: z.input<typeof findRateSchema>,
    signal?: AbortSignal,
  ): AsyncGenerator<RateEvent<RateCurve>, void, void> {
    const { run: checked, ...checkedRange } = findRateSchema.parse({ run, ...range });
    const params = { spec: await this.#spec(checked), ...checkedRange };
    yield* this.#alone('labRate', params, signal);
  }

  /** Progress, and last the validation losses of short runs around a rate. Throws as `find`, and NO_VALIDATION. */
  async *compare(
    input: z.input<typeof compareRatesSchema>,
    signal?: AbortSignal,
  ): AsyncGenerator<RateEvent<RateGrid>, void, void> {
    const { run, around, gridSteps: steps } = compareRatesSchema.parse(input);
    yield* this.#alone('labRateGrid', { spec: await this.#spec(run), around, steps }, signal);
  }

  async #spec(run: z.output<typeof startRunSchema>): Promise<RunSpec> {
    const { settings, engines } = this.#parts;
    const { spec } = await checkStart(this.#parts, settings.withMemoryLimit(run));
    return { ...spec, engine: await engines.resolve(spec.engine) };
  }

  async *#alone<K extends 'labRate' | 'labRateGrid'>(
    name: K,
    params: WorkerCalls[K]['params'],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<RateEvent<WorkerCalls[K]['result']>, void, void> {
    const giveBack = this.#parts.runs.takeTurn();
    try {
      yield* streamOfCall<RateEvent<WorkerCalls[K]['result']>>((tell) => {
        const client = this.#parts.workers.spawn();
        const { promise } = client.call(name, params, (event) => tell({ type: 'progress', ...event }));
        const ended = promise.then((result) => tell({ type: 'found', result })).finally(() => client.end());
        return { ended, stop: () => client.kill() };
      }, signal);
    } finally {
      giveBack();
    }
  }
}
