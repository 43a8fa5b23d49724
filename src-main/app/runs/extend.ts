/** A completed run trained further: a new run that goes on where it ended, optimiser and all; the old one stays. */
import fs from 'node:fs';
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import { endStateFile } from '../../runfolder/layout.ts';
import { newId } from '../ids.ts';
import type { Home } from '../storage/home.ts';
import { copyState, goOn } from './goOn.ts';
import { newOutDir } from './input.ts';
import type { RunService } from './service.ts';
import type { RunView } from './view.ts';

export const extendSchema = z.object({
  id: z.string(),
  /** Optimiser steps more. */
  steps: z.number().int().min(1).max(10_000_000),
});
export type Extend = z.output<typeof extendSchema>;

/** Whether the state of its end has been kept: not of whole models, nor of runs of before. */
export function canExtend({ status, spec }: Pick<RunView, 'status' | 'spec'>): boolean {
  return status === 'completed' && fs.existsSync(endStateFile(spec.runDir));
}

/**
 * The learning rate from there on is that of the schedule over all steps, so it rises again where it had fallen to
 * nothing. A run that ended early no longer watches for its end. Throws a usage error RUN_NOT_OVER, NOT_RESUMABLE.
 */
export function extend(
  { home, catalog, runs }: { home: Home; catalog: Catalog; runs: RunService },
  { id, steps }: Extend,
): RunView {
  const run = runs.require(id);
  const { result, spec } = run;
  if (run.status !== 'completed' || !result)
    throw usageError('RUN_NOT_OVER', `The run ${id} is ${run.status}; only a completed run can be trained further.`, {
      runId: id,
      status: run.status,
    });
  if (!canExtend(run))
    throw new GraftError(
      'NOT_RESUMABLE',
      `The run ${id} has not kept the state of its end, so it cannot be trained further; start it again with more ` +
        'steps.',
      { runId: id },
    );
  const runId = newId('run');
  const train = {
    ...spec.train,
    steps: result.steps + steps,
    ...(result.stoppedEarly ? { patience: 0 } : {}),
  };
  const longer = {
    ...spec,
    runId,
    train,
    runDir: home.runDir(runId),
    outDir: newOutDir(home, spec.method.type),
    rolledBack: { runId: id, step: result.steps },
  };
  copyState(endStateFile(spec.runDir), spec.runDir, longer, result.steps);
  return goOn({ catalog, runs }, run, longer, {
    name: `${run.name.slice(0, 90)} to step ${train.steps}`,
    step: result.steps,
    why: `${counted(steps, 'step')} more`,
    start: true,
  });
}
