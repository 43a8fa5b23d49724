/** Hashes a file in the making beside whoever makes it: half of the time that a merge takes otherwise. */
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { Threads } from '../threads/threads.ts';
import type { HashQuestion } from './hashQuestion.ts';

/** The source, or the bundle's file beside this one. */
const ENTRY = path.join(import.meta.dirname, `hashThread${path.extname(import.meta.filename)}`);
/** A disk of the network may take so long for a piece. */
const DEADLINE_MS = 120_000;

/** As hashOfCopy. Ends, with CANCELLED, once `signal` is aborted. */
export async function hashInThread(
  question: HashQuestion,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const { path: file } = question.source;
  const threads = new Threads({ entry: ENTRY, memoryMb: 64, kept: 0 });
  return threads.ask<string>(question, {
    deadlineMs: DEADLINE_MS,
    signal,
    onProgress: (bytes) => onBytes(bytes as number),
    errors: {
      late: () =>
        new GraftError(
          'IO_ERROR',
          `${file} gave no answer within ${DEADLINE_MS / 1000} s; check its disk or its connection, then try again.`,
          { file },
        ),
      tooLarge: () => ended(),
      cancelled: () => new GraftError('CANCELLED', 'Writing the model was called off.'),
      ended,
    },
  });
}

function ended(cause?: Error): GraftError {
  return new GraftError(
    'INTERNAL',
    'The thread that hashes the model ended by itself; try again, with other programs closed if memory is short.',
    { cause: cause?.message ?? null },
    { cause },
  );
}
