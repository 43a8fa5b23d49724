/** Which engines this machine can use. */
import { bootBackend, reportBackends, type BackendFacts } from '../engine/backends/backends.ts';
import { deviceFailure } from '../engine/backends/deviceWatch.ts';
import type { EngineName, EngineReport } from '../../src-shared/backends.ts';
import { useTuning } from './train/tuning.ts';

export function reportEngines(calibrate: boolean): Promise<EngineReport[]> {
  return reportBackends(calibrate);
}

let current: { name: EngineName; facts: BackendFacts } | null = null;

/** Boots the engine unless it is the current one already and sound. */
export async function useEngine(name: EngineName): Promise<BackendFacts> {
  if (current?.name !== name || (name === 'webgpu' && deviceFailure())) {
    current = { name, facts: await bootBackend(name) };
    if (name === 'webgpu') useTuning();
  }
  return current.facts;
}
