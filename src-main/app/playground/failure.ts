/** The death of the playground's worker as a sentence with the playground's own way out. */
import { GraftError } from '../../../src-shared/errors.ts';
import type { WorkerExit } from '../workers/channel.ts';

/** PLAYGROUND_CRASHED: the process that held the model is gone. */
export function workerGone({ code, signal, lastErrorLine }: WorkerExit): GraftError {
  const how = signal
    ? `was ended by ${signal}`
    : code === null
      ? 'could not be started'
      : `ended with exit code ${code}`;
  const said = lastErrorLine ? `, last saying "${lastErrorLine.slice(0, 300)}"` : '';
  return new GraftError(
    'PLAYGROUND_CRASHED',
    `The process that held the model ${how}${said}; load the model again, on another engine or a smaller one ` +
      'if memory ran out.',
    { code, signal, lastErrorLine },
  );
}

/** The same for a call that was under way; every other failure as it is. */
export function playgroundFailure(error: unknown): unknown {
  if (!(error instanceof GraftError) || error.code !== 'WORKER_CRASHED') return error;
  const { code, signal, lastErrorLine } = error.details as Partial<WorkerExit>;
  return workerGone({ code: code ?? null, signal: signal ?? null, lastErrorLine: lastErrorLine ?? '' });
}
