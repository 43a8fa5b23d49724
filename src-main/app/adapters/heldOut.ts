/** The rows that an adapter's run kept for validation, as the catalogue knows them. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { MergeParams } from '../../../src-shared/exports.ts';

/** What the adapter has never been trained on; undefined for one without a run in the catalogue. */
export function heldOutRows({ adapters, runs }: Catalog, adapterId: string | null): MergeParams['heldOut'] {
  const runId = adapterId === null ? null : adapters.get(adapterId)?.runId;
  const run = runId ? runs.get(runId) : undefined;
  return run && { data: run.spec.data, val: run.spec.train.val, seed: run.spec.train.seed };
}
