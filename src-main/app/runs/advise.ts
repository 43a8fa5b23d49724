/** Targets and ranks proposed for a run that `input` would start; nothing is kept. */
import type { AdviseParams, AdviseResult, LabProgress } from '../../../src-shared/lab.ts';
import type { Home } from '../storage/home.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import { checkStart, type Registered, type StartRun } from './input.ts';

interface AdviseParts extends Registered {
  home: Home;
  workers: Workers;
  engines: EngineService;
}

/** Throws what the start of the run would throw, and LAB_BUDGET. */
export async function adviseRun(
  parts: AdviseParts,
  input: StartRun,
  ask: Omit<AdviseParams, 'spec'>,
  onProgress: (progress: LabProgress) => void,
): Promise<AdviseResult> {
  const { spec } = await checkStart(parts, input);
  const engine = await parts.engines.resolve(spec.engine);
  return parts.workers.once('labAdvise', { ...ask, spec: { ...spec, engine } }, onProgress);
}
