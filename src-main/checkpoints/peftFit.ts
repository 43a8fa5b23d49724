/** Whether an adapter belongs to a base model: by hash where the adapter names one, and by module and shape always. */
import path from 'node:path';
import { GraftError } from '../errors.ts';
import { linearModules, type LinearModule } from '../engine/model/architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { PeftAdapter } from './peft.ts';

/**
 * Throws GraftError ADAPTER_WRONG_BASE when graft.json names another base, ADAPTER_NO_MODULE or ADAPTER_SHAPE when the base
 * has no such layer. An adapter without graft.json (made by Python PEFT) is checked by modules and shapes only.
 */
export function assertAdapterFitsBase(adapter: PeftAdapter, checkpoint: Checkpoint): void {
  const { graft } = adapter;
  if (graft && graft.baseHash !== checkpoint.hash) {
    const short = (hash: string): string => hash.slice(0, 12);
    throw new GraftError(
      'ADAPTER_WRONG_BASE',
      `The adapter in ${adapter.dir} was trained on ${graft.baseName} (${short(graft.baseHash)}), not on ${path.basename(checkpoint.dir)} (${short(checkpoint.hash)}) in ${checkpoint.dir}; choose the base model it was trained on.`,
      { adapter: adapter.dir, want: graft.baseHash, got: checkpoint.hash, wantName: graft.baseName, gotDir: checkpoint.dir },
    );
  }
  adaptedModules(adapter, checkpoint);
}

/** The linear layers that the adapter changes, by the (normalised) name of their weight. Throws as assertAdapterFitsBase. */
export function adaptedModules(adapter: PeftAdapter, checkpoint: Checkpoint): Map<string, { path: string; linear: LinearModule }> {
  const known = new Map(linearModules(checkpoint.spec).filter(({ slice }) => !slice).map((linear) => [linear.module, linear]));
  const adapted = new Map<string, { path: string; linear: LinearModule }>();
  for (const [module, { A, B }] of adapter.modules) {
    const linear = known.get(module);
    if (!linear) {
      throw new GraftError('ADAPTER_NO_MODULE', `The adapter in ${adapter.dir} adapts ${module}, which is not a layer that the base model in ${checkpoint.dir} has or Graft can adapt; choose the base model it was trained on.`, { adapter: adapter.dir, module });
    }
    if (A.shape[1] !== linear.inFeatures || B.shape[0] !== linear.outFeatures) {
      throw new GraftError('ADAPTER_SHAPE', `The adapter in ${adapter.dir} maps ${A.shape[1]} to ${B.shape[0]} features at ${module}, but the base model in ${checkpoint.dir} maps ${linear.inFeatures} to ${linear.outFeatures}; choose the base model it was trained on.`, { adapter: adapter.dir, module, got: [A.shape[1], B.shape[0]], want: [linear.inFeatures, linear.outFeatures] });
    }
    adapted.set(linear.weight, { path: module, linear });
  }
  return adapted;
}
