/**
 * Reads Parquet, Arrow and Excel files in a thread of their own: a library decodes a page or a whole workbook in one
 * go, of whatever size the file makes it, and the process that answers the user must neither wait for that nor die.
 */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { GraftError } from '../../../src-shared/errors.ts';
import type { BadRow } from '../../../src-shared/datasets.ts';
import type { RawRow } from '../types.ts';
import type { BinaryFile, BinaryNoting } from './binary.ts';
import { brokenDataset } from './bytes.ts';
import type { DecodeAnswer, DecodedBatch } from './decodeThread.ts';

export interface DecodeLimits {
  /** Of the thread's own values; the bytes of the file lie outside. */
  memoryMb: number;
  /** For one batch of rows; the first of a workbook takes all of its decoding. */
  deadlineMs: number;
}

const LIMITS: DecodeLimits = { memoryMb: 2048, deadlineMs: 120_000 };

/** The source, or the bundle's file beside this one. */
const ENTRY = path.join(import.meta.dirname, `decodeThread${path.extname(import.meta.filename)}`);

/** Throws what the reader of the format throws, DATASET_TOO_LARGE or DATASET_TOO_SLOW. */
export async function* decodeInThread(
  task: BinaryFile,
  { onHeader, notes, onProgress }: BinaryNoting,
  limits: DecodeLimits = LIMITS,
): AsyncGenerator<RawRow | BadRow> {
  const thread = new Worker(ENTRY, {
    workerData: task,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb },
  });
  try {
    for (let ended = false; !ended;) {
      const batch = await nextBatch(thread, task, limits);
      onHeader(batch.columns);
      batch.notes.forEach((note) => notes.add(note));
      onProgress?.(batch.doneBytes);
      yield* batch.rows;
      ({ ended } = batch);
    }
  } finally {
    await thread.terminate();
  }
}

async function nextBatch(thread: Worker, { file }: BinaryFile, limits: DecodeLimits): Promise<DecodedBatch> {
  const { promise, resolve, reject } = Promise.withResolvers<DecodeAnswer>();
  const onError = (error: Error): void => reject(threadError(error, file, limits));
  const onExit = (): void => reject(brokenDataset(file, 'a table'));
  const timer = setTimeout(() => reject(tooSlow(file, limits)), limits.deadlineMs);
  thread.on('message', resolve).on('error', onError).on('exit', onExit);
  thread.postMessage('next');
  try {
    const answer = await promise;
    if ('error' in answer) throw GraftError.fromData(answer.error);
    return answer;
  } finally {
    clearTimeout(timer);
    thread.off('message', resolve).off('error', onError).off('exit', onExit);
  }
}

function threadError(error: Error, file: string, { memoryMb }: DecodeLimits): GraftError {
  if (!('code' in error) || error.code !== 'ERR_WORKER_OUT_OF_MEMORY') return brokenDataset(file, 'a table', error);
  return new GraftError(
    'DATASET_TOO_LARGE',
    `${file} needs more than ${memoryMb} MiB of memory to be read; save its rows as .csv or .jsonl, or in smaller ` +
      'parts.',
    { file },
  );
}

function tooSlow(file: string, { deadlineMs }: DecodeLimits): GraftError {
  return new GraftError(
    'DATASET_TOO_SLOW',
    `Reading ${file} was given up, since its next rows did not come in ${Math.round(deadlineMs / 1000)} s; save its ` +
      'rows as .csv or .jsonl, or in smaller parts.',
    { file },
  );
}
