/** Who answers questions about runs of rows: a few threads for the time of a load, or this one for a small model. */
import os from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { GraftError } from '../../src-shared/errors.ts';
import { Threads } from '../threads/threads.ts';
import { answerPack } from './answerPack.ts';
import type { PackAnswer, PackQuestion } from './packQuestion.ts';

/** The source, or the bundle's file beside this one. */
const ENTRY = path.join(import.meta.dirname, `packThread${path.extname(import.meta.filename)}`);
/** Disks give no more than a few at once can take. */
const MOST_THREADS = 8;
/** A disk of the network may take so long for a run of rows. */
const DEADLINE_MS = 120_000;

export interface Packers {
  /** Questions that are worth having under way at once. */
  width: number;
  /** `onLeft`: called once nobody works on the question any more, whatever came of it. */
  ask(question: PackQuestion, onLeft?: () => void): Promise<PackAnswer>;
  end(): void;
}

/** Every question to it throws CANCELLED once `signal` is aborted. */
export function packersInThreads(signal?: AbortSignal): Packers {
  const most = Math.min(MOST_THREADS, Math.max(1, os.availableParallelism()));
  const threads = new Threads({ entry: ENTRY, memoryMb: 512, most, kept: most });
  return {
    // One more, so that no thread waits for what this one does with an answer.
    width: most + 1,
    ask: (question, onLeft = () => undefined) =>
      threads.ask<PackAnswer>(question, {
        deadlineMs: DEADLINE_MS,
        signal,
        onLeft,
        errors: {
          late: () => tooSlow(question),
          tooLarge: () => ended(),
          cancelled: cancelledLoading,
          ended,
        },
      }),
    end: () => threads.endIdle(),
  };
}

/** The same without threads. */
export function packersHere(signal?: AbortSignal): Packers {
  const ask = async (question: PackQuestion, onLeft = (): void => undefined): Promise<PackAnswer> => {
    try {
      await setImmediate(); // whoever waits for this thread gets a turn between two questions
      if (signal?.aborted) throw cancelledLoading();
      return answerPack(question);
    } finally {
      onLeft();
    }
  };
  return { width: 1, ask, end: () => undefined };
}

export function cancelledLoading(): GraftError {
  return new GraftError('CANCELLED', 'Loading the base model was called off; start it again.');
}

function tooSlow(question: PackQuestion): GraftError {
  const file = question.kind === 'tail' ? 'The cache of packed bases' : question.file;
  const seconds = DEADLINE_MS / 1000;
  return new GraftError(
    'IO_ERROR',
    `${file} gave no answer within ${seconds} s; check its disk or its connection, then try again.`,
    { file },
  );
}

function ended(cause?: Error): GraftError {
  return new GraftError(
    'INTERNAL',
    'A thread that packs the base model ended by itself; try again, with other programs closed if memory is short.',
    { cause: cause?.message ?? null },
    { cause },
  );
}
