/** Why a run failed, with the step that it can be resumed from. */
import type { Run } from '../../catalog/runs.ts';
import { toErrorData, type ErrorData } from '../../../src-shared/errors.ts';
import { runStateStep } from './view.ts';
import type { WorkerExit } from '../workers/channel.ts';
import { howItEnded } from '../workers/client.ts';

/** Of a run that was under way when its Graft process ended. */
export function runAbandoned(runId: string): ErrorData {
  return {
    code: 'RUN_ABANDONED',
    message: 'Graft was closed while this run was under way; resume it to go on from its last checkpoint.',
    details: { runId },
  };
}

/** `details.checkpointStep`: null where the run cannot be resumed. */
export function runFailure(run: Run, cause: unknown): ErrorData {
  const error = toErrorData(cause);
  const step = runStateStep(run);
  const details = { ...error.details, checkpointStep: step };
  if (error.code !== 'WORKER_CRASHED') return { ...error, details };
  const next = step === null ? 'it had no checkpoint yet, so start the run again' : `resume the run from step ${step}`;
  const { code = null, signal = null, lastErrorLine = '' } = details as Partial<WorkerExit>;
  return {
    ...error,
    details,
    message:
      `The worker process ${howItEnded({ code, signal, lastErrorLine })}; ${next}, with a smaller batch or ` +
      'another engine if memory ran out.',
  };
}

/** What changes in the row of a run that fails now. */
export function failedRow(error: ErrorData): Partial<Run> & Pick<Run, 'status'> {
  const endedAt = new Date().toISOString();
  return { status: 'failed', error, ownerPid: null, pid: null, queuePosition: null, endedAt };
}
