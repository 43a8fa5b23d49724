/** A new run that goes on from an earlier state of another one without some rows; the other one stays as it is. */
import { counted } from '../../../src-shared/plural.ts';
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { newId } from '../ids.ts';
import type { Home } from '../storage/home.ts';
import { keptStates } from '../../runfolder/keptStates.ts';
import { keptStateFile } from '../../runfolder/layout.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { copyState, goOn } from './goOn.ts';
import { newOutDir } from './input.ts';
import type { RunService } from './service.ts';
import type { RunView } from './view.ts';

export const rollBackSchema = z.object({
  id: z.string(),
  /** The new run goes on from the newest kept state before this step, or from the start where there is none. */
  beforeStep: z.number().int().min(1),
  /** Lines of the dataset's file that it does not train on; those that the old run left out stay out. */
  excludeLines: z.array(z.number().int().min(1)).max(100_000),
  /** False: it waits, paused, to be continued. */
  start: z.boolean().default(true),
});
export type RollBack = z.output<typeof rollBackSchema>;

/** Throws a usage error BEFORE_ROLLBACK where only the run that this one was rolled back from has such a state. */
export function rollBack(
  { home, catalog, runs }: { home: Home; catalog: Catalog; runs: RunService },
  { id, beforeStep, excludeLines, start }: RollBack,
): RunView {
  const run = runs.require(id);
  const step = keptStates(run.spec.runDir).findLast((kept) => kept.step < beforeStep)?.step ?? 0;
  const { rolledBack } = run.spec;
  if (rolledBack && step < rolledBack.step) {
    throw usageError(
      'BEFORE_ROLLBACK',
      `The run ${id} goes on from step ${rolledBack.step} of the run ${rolledBack.runId}; roll that one back ` +
        `to get before step ${beforeStep}.`,
      { runId: rolledBack.runId, step: rolledBack.step },
    );
  }
  const spec = specFrom(home, run, step, excludeLines);
  if (step > 0) copyState(keptStateFile(run.spec.runDir, step), run.spec.runDir, spec, step);
  return goOn({ catalog, runs }, run, spec, {
    name: `${run.name.slice(0, 90)} from step ${step}`,
    step,
    why: `${counted(spec.data.excludeLines?.length ?? 0, 'row')} left out from there on`,
    start,
  });
}

/**
 * As many steps as the old run, so that its learning rates stay the same where epochs of fewer rows would be shorter.
 */
function specFrom(home: Home, { id, spec, started }: Run, step: number, excludeLines: number[]): RunSpec {
  const runId = newId('run');
  const lines = new Set([...(spec.data.excludeLines ?? []), ...excludeLines]);
  return {
    ...spec,
    runId,
    data: { ...spec.data, excludeLines: [...lines].sort((a, b) => a - b) },
    train: started ? { ...spec.train, steps: started.totalSteps } : spec.train,
    runDir: home.runDir(runId),
    outDir: newOutDir(home, spec.method.type),
    rolledBack: { runId: id, step },
  };
}
