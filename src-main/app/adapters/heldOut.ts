/** The rows that a run kept for validation, as the catalogue knows them. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import type { MergeParams } from '../../../src-shared/exports.ts';

/** Undefined for an adapter without a run in the catalogue. */
export function runOfAdapter({ adapters, runs }: Catalog, adapterId: string | null): Run | undefined {
  const runId = adapterId === null ? null : adapters.get(adapterId)?.runId;
  return runId ? runs.get(runId) : undefined;
}

/** What the run has never trained on. */
export function heldOutRows(run: Run | undefined): MergeParams['heldOut'] {
  return run && { data: run.spec.data, val: run.spec.train.val, seed: run.spec.train.seed };
}
