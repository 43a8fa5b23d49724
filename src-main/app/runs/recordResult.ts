/**
 * Ends a run in the catalogue: its adapter's (or model's) row and its own in one transaction. The files are there
 * already.
 */
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import type { TrainResult } from '../../../src-shared/training.ts';
import { ensureTask } from '../tasks/ensureTask.ts';
import { isAdapter } from '../../../src-shared/methods/registry.ts';
import { readModel } from '../models/read.ts';

/** The first adapter of a task becomes its active one. */
export function recordResult(
  catalog: Catalog,
  run: Run,
  result: TrainResult & { outcome: 'completed' | 'stopped' },
): void {
  const now = new Date().toISOString();
  const { method } = run.spec;
  const model = isAdapter(method) ? undefined : readModel(result.outDir);
  catalog.transaction(() => {
    if (model) catalog.models.save({ ...model, id: path.basename(result.outDir), name: run.name, createdAt: now });
    if (isAdapter(method)) {
      const task = ensureTask(catalog, run.spec.task);
      const id = path.basename(result.outDir);
      catalog.adapters.insert({
        id,
        name: run.name,
        taskId: task.id,
        runId: run.id,
        modelId: run.modelId,
        baseHash: run.spec.model.hash,
        dir: result.outDir,
        sha256: result.sha256,
        sizeBytes: result.sizeBytes,
        method,
        finalLoss: result.finalLoss,
        valLoss: result.valLoss,
        promptTemplate: result.promptTemplate ?? null,
        createdAt: now,
      });
      if (task.activeAdapterId === null) catalog.tasks.setActive(task.id, id);
    }
    catalog.runs.update(run.id, {
      status: result.outcome,
      result,
      interim: null,
      ownerPid: null,
      pid: null,
      endedAt: now,
    });
  });
}
