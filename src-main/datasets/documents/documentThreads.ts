/**
 * Reads documents in a thread of its own, since anybody may have made them: one that never ends, or unpacks to more
 * than there is room for, ends with its thread, and the documents after it are read all the same.
 */
import path from 'node:path';
import { GraftError } from '../../../src-shared/errors.ts';
import { Threads } from '../../threads/threads.ts';
import type { DocumentAnswer, DocumentQuestion } from './documentThread.ts';
import { brokenDocument } from './errors.ts';

interface DocumentLimits {
  /** Of a thread's own values, and of what it holds in buffers. */
  memoryMb: number;
  bufferMb: number;
  /** Without a sign of progress, which each page of a PDF is. */
  deadlineMs: number;
}

const LIMITS: DocumentLimits = { memoryMb: 1024, bufferMb: 1024, deadlineMs: 60_000 };

/** The source, or the bundle's file beside this one. */
const ENTRY = path.join(import.meta.dirname, `documentThread${path.extname(import.meta.filename)}`);

export class DocumentThreads {
  #threads: Threads;
  #limits: DocumentLimits;

  constructor(limits = LIMITS) {
    this.#limits = limits;
    const { memoryMb, bufferMb } = limits;
    this.#threads = new Threads({ entry: ENTRY, memoryMb, bufferMb, most: 1 });
  }

  /** Throws what readDocument throws, DATASET_TOO_SLOW, DATASET_TOO_LARGE, or CANCELLED. */
  read(
    question: DocumentQuestion,
    { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress?: (share: number) => void } = {},
  ): Promise<DocumentAnswer> {
    const { file } = question;
    const { deadlineMs, memoryMb, bufferMb } = this.#limits;
    return this.#threads.ask<DocumentAnswer>(question, {
      deadlineMs,
      signal,
      onProgress: (share) => onProgress?.(share as number),
      errors: {
        late: () => tooSlow(file, deadlineMs),
        tooLarge: () => tooLarge(file, memoryMb + bufferMb),
        cancelled: () => cancelledReading(file),
        ended: (cause) => brokenDocument(file, 'a document', cause),
      },
    });
  }

  /** The next document starts a thread of its own. */
  endIdle(): void {
    this.#threads.endIdle();
  }
}

/** Those of this process. */
export const documentThreads = new DocumentThreads();

function cancelledReading(file: string): GraftError {
  return new GraftError('CANCELLED', `Reading ${file} was called off; start it again.`, { file });
}

function tooLarge(file: string, memoryMb: number): GraftError {
  return new GraftError(
    'DATASET_TOO_LARGE',
    `${file} needs more than ${memoryMb} MiB of memory to be read; save its text as .txt, or in smaller parts.`,
    { file },
  );
}

function tooSlow(file: string, deadlineMs: number): GraftError {
  return new GraftError(
    'DATASET_TOO_SLOW',
    `Reading ${file} was given up, since its next page did not come in ${Math.round(deadlineMs / 1000)} s; save its ` +
      'text as .txt, or in smaller parts.',
    { file },
  );
}
