/** Asks a worker of its own what the rows of one step of a run were, and how much each of them cost. */
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { keptStates } from '../../runfolder/keptStates.ts';
import { keptStateFile } from '../../runfolder/layout.ts';
import type { InspectedStep } from '../../../src-shared/training.ts';
import type { RunService } from './service.ts';
import type { RunView } from './view.ts';
import type { Workers } from '../workers/client.ts';

/** Most steps that are taken again from the very start, where no kept state is older. */
const MOST_FROM_START = 200;

export interface InspectRequest {
  id: string;
  /** 1-based. */
  step: number;
  /** Ends the work and its worker. */
  signal?: AbortSignal | undefined;
  onProgress?: (event: { done: number; total: number }) => void;
}

/** Throws STEP_NOT_TAKEN, PAUSE_FIRST, NO_OLDER_CHECKPOINT, PARENT_REMOVED, CANCELLED, or what the worker throws. */
export async function inspectRun(
  { runs, workers }: { runs: RunService; workers: Workers },
  { id, step, signal, onProgress }: InspectRequest,
): Promise<InspectedStep> {
  const run = ownerOf(runs, runs.require(id), step);
  refuseWhileTraining(run, step);
  const client = workers.spawn();
  const abort = (): void => client.kill();
  signal?.addEventListener('abort', abort);
  try {
    return await client.call('inspectStep', { spec: run.spec, step, state: stateBefore(run, step) }, onProgress)
      .promise;
  } catch (error) {
    if (signal?.aborted)
      throw new GraftError('CANCELLED', `Looking at step ${step} was cancelled.`, { runId: id, step });
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    client.kill();
  }
}

/** The run whose rows the step was of: steps from before a rollback are those of the run before. */
function ownerOf(runs: RunService, run: RunView, step: number): RunView {
  const { rolledBack } = run.spec;
  if (!rolledBack || step > rolledBack.step) return run;
  if (run.parentRunId !== null) return ownerOf(runs, runs.require(run.parentRunId), step);
  throw new GraftError(
    'PARENT_REMOVED',
    `Step ${step} was taken by the run ${rolledBack.runId}, which has been removed, so its rows cannot be ` +
      'looked at any more.',
    { runId: rolledBack.runId, step },
  );
}

function refuseWhileTraining({ id, status }: RunView, step: number): void {
  if (status !== 'running') return;
  throw usageError(
    'PAUSE_FIRST',
    `The run ${id} is training, and looking back at step ${step} would need the model a second time; pause the ` +
      'run first.',
    { runId: id, step },
  );
}

function stateBefore({ id, spec }: RunView, step: number): string | null {
  const kept = keptStates(spec.runDir).findLast((state) => state.step < step);
  if (kept) return keptStateFile(spec.runDir, kept.step);
  if (step <= MOST_FROM_START && !spec.rolledBack?.step) return null;
  throw new GraftError(
    'NO_OLDER_CHECKPOINT',
    `No checkpoint of the run ${id} from before step ${step} is kept, and taking all its steps again would ` +
      'take too long; look at a later step, or write checkpoints more often next time.',
    { runId: id, step },
  );
}
