/** What cannot be asked of a run as it is, each in a sentence. */
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { isOver, type RunView } from './view.ts';

export function notResumable({ id, status }: RunView): GraftError {
  const why =
    status === 'failed' || status === 'stopped'
      ? 'has no checkpoint; start it again'
      : `is ${status}; only a failed or stopped run can be resumed`;
  return new GraftError('NOT_RESUMABLE', `The run ${id} ${why}.`, { runId: id, status });
}

export function nothingToPause({ id, status }: RunView): GraftError {
  return usageError(
    'RUN_NOT_UNDER_WAY',
    `The run ${id} is still queued, so there is nothing to pause; move it down in the queue, or stop it.`,
    { runId: id, status },
  );
}

export function notPaused({ id, status }: RunView): GraftError {
  return usageError('RUN_NOT_PAUSED', `The run ${id} is ${status}, not paused; only a paused run can be continued.`, {
    runId: id,
    status,
  });
}

export function notQueued({ id, status }: RunView): GraftError {
  return usageError(
    'RUN_NOT_QUEUED',
    `The run ${id} is ${status}, not waiting in this queue; only a queued run has a time to start.`,
    { runId: id, status },
  );
}

export function notUnderWay(run: RunView): GraftError {
  const { id, status, ownerPid } = run;
  const why =
    isOver(run) || status === 'paused'
      ? `is already ${status}`
      : `belongs to another Graft process (${ownerPid}); use it there`;
  return usageError('RUN_NOT_UNDER_WAY', `The run ${id} ${why}.`, { runId: id, status });
}

export function noStartTime(target: string): GraftError {
  return usageError(
    'BAD_INPUT',
    `A run for ${target} begins when there is room for it there; leave out the time before which it does not start.`,
    { target },
  );
}
