/** One step of a run that has not been started, in a worker of its own; nothing is kept. */
import type { PreflightResult } from '../../../src-shared/plan.ts';
import { checkStart, type StartRun } from './input.ts';
import type { SettingsService } from '../settings/service.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';

type Parts = Parameters<typeof checkStart>[0] & {
  workers: Workers;
  engines: EngineService;
  settings: SettingsService;
};

/** Throws what the run itself would. */
export async function preflightRun(parts: Parts, input: StartRun): Promise<PreflightResult> {
  const { workers, engines, settings } = parts;
  const { spec } = await checkStart(parts, settings.withMemoryLimit(input));
  const engine = await engines.resolve(spec.engine);
  const { card } = await engines.room(engine);
  return workers.once('preflight', { spec: { ...spec, engine }, card });
}
