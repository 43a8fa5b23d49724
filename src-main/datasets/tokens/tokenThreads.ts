/** The threads that tokenise, for the time of one file. */
import os from 'node:os';
import path from 'node:path';
import { GraftError } from '../../../src-shared/errors.ts';
import { Threads } from '../../threads/threads.ts';
import type { BlockAnswer, BlockQuestion } from './tokeniseBlock.ts';

/** The source, or the bundle's file beside this one. */
const ENTRY = path.join(import.meta.dirname, `tokenThread${path.extname(import.meta.filename)}`);
/** One thread reads and writes for all of them. */
const MOST_THREADS = 16;
/** Of one thread: a tokenizer of a quarter of a million tokens takes 150 MB, a row of 64 MiB several times its size. */
const MEMORY_MB = 1024;
/** For one row. */
const DEADLINE_MS = 300_000;

export interface BlockThreads {
  /** Questions that are worth having under way at once. */
  width: number;
  ask(question: BlockQuestion): Promise<BlockAnswer>;
  end(): void;
}

export interface ThreadRules {
  signal?: AbortSignal | undefined;
  atMost?: number | undefined;
}

/** As many as there are processors but one, which stays with the app; two where there are no more than two. */
export function blockThreads(file: string, { signal, atMost = MOST_THREADS }: ThreadRules = {}): BlockThreads {
  const cores = os.availableParallelism();
  const most = Math.min(atMost, cores <= 2 ? cores : cores - 1);
  const threads = new Threads({ entry: ENTRY, memoryMb: MEMORY_MB, most, kept: most });
  return {
    width: most + 1,
    ask: (question) =>
      threads.ask<BlockAnswer>(question, {
        deadlineMs: DEADLINE_MS,
        signal,
        errors: {
          late: () => tooSlow(file),
          tooLarge: () => tooLarge(file),
          cancelled: () => new GraftError('CANCELLED', `Tokenising ${file} was called off; start it again.`, { file }),
          ended: (cause) => ended(file, cause),
        },
      }),
    end: () => threads.endIdle(),
  };
}

function tooSlow(file: string): GraftError {
  return new GraftError(
    'DATASET_TOO_SLOW',
    `One row of ${file} was not tokenised in ${DEADLINE_MS / 60_000} minutes; cut its longest rows into smaller ones.`,
    { file },
  );
}

function tooLarge(file: string): GraftError {
  return new GraftError(
    'DATASET_TOO_LARGE',
    `A few rows of ${file} need more than ${MEMORY_MB} MiB of memory to be tokenised; cut its longest rows into ` +
      'smaller ones.',
    { file },
  );
}

function ended(file: string, cause?: Error): GraftError {
  return new GraftError(
    'INTERNAL',
    `A thread that tokenises ${file} ended by itself; try again, with other programs closed if memory is short.`,
    { file, cause: cause?.message ?? null },
    { cause },
  );
}
