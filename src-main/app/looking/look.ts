/**
 * Looks at folders that other people made, in a thread of its own: whatever a folder holds, the main process goes on
 * answering. A look that takes too long, needs too much memory or is not wanted any more is ended with its thread.
 */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { GraftError } from '../../../src-shared/errors.ts';
import type { LookArguments, LookName, LookResult } from './looks.ts';
import type { LookAnswer, LookQuestion } from './lookThread.ts';

interface LookOptions {
  /** Ends the look; it then throws CANCELLED. */
  signal?: AbortSignal | undefined;
  /** Default: one that a folder on a slow disk keeps. */
  deadlineMs?: number;
}

const DEADLINE_MS = 60_000;
/** Adapters are read as a whole, some of them gigabytes. */
const DEADLINES_MS: Partial<Record<LookName, number>> = { adapterFits: 300_000, fileSha256: 300_000 };
/** Of the thread's own values. What it reads into buffers is bounded where it is read. */
const MEMORY_MB = 768;

/** The source, or the bundle's file beside this one. */
const ENTRY = path.join(import.meta.dirname, `lookThread${path.extname(import.meta.filename)}`);

/** A thread that has nothing to do; it never keeps the process alive. */
let idle: Worker | undefined;

/** Throws what the look throws, LOOK_TOO_LONG, LOOK_TOO_LARGE, or CANCELLED. */
export async function look<K extends LookName>(
  name: K,
  args: LookArguments<K>,
  { signal, deadlineMs = DEADLINES_MS[name] ?? DEADLINE_MS }: LookOptions = {},
): Promise<LookResult<K>> {
  if (signal?.aborted) throw cancelled();
  const thread = idle ?? startThread();
  idle = undefined;
  let answer: LookAnswer;
  try {
    answer = await answerOf(thread, { name, args }, { signal, deadlineMs });
  } catch (error) {
    void thread.terminate();
    throw error;
  }
  release(thread);
  if ('error' in answer) throw GraftError.fromData(answer.error);
  return answer.result as LookResult<K>;
}

/** Rejects where the thread ends first, or is late, or is not waited for any more. */
async function answerOf(
  thread: Worker,
  question: LookQuestion,
  { signal, deadlineMs }: { signal: AbortSignal | undefined; deadlineMs: number },
): Promise<LookAnswer> {
  const where = placeOf(question.args[0]);
  const { promise, resolve, reject } = Promise.withResolvers<LookAnswer>();
  const onError = (error: Error): void => reject(threadError(error, where));
  const giveUp = (): void => reject(cancelled());
  const timer = setTimeout(() => reject(tooLong(where, deadlineMs)), deadlineMs);
  thread.ref();
  thread.on('message', resolve).on('error', onError).on('exit', giveUp);
  signal?.addEventListener('abort', giveUp);
  thread.postMessage(question);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    thread.off('message', resolve).off('error', onError).off('exit', giveUp);
    signal?.removeEventListener('abort', giveUp);
  }
}

function startThread(): Worker {
  const thread = new Worker(ENTRY, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  // What ends a thread that nobody waits for is nobody's error.
  thread.on('error', () => undefined);
  thread.on('exit', () => (idle = idle === thread ? undefined : idle));
  return thread;
}

/** One idle thread is kept; a second one, of a look that ran beside another, ends. */
function release(thread: Worker): void {
  if (idle) return void thread.terminate();
  thread.unref();
  idle = thread;
}

function placeOf(argument: unknown): string {
  if (typeof argument === 'string') return argument;
  const dir = typeof argument === 'object' && argument !== null ? Reflect.get(argument, 'dir') : undefined;
  return typeof dir === 'string' ? dir : 'the folder';
}

function tooLong(where: string, deadlineMs: number): GraftError {
  return new GraftError(
    'LOOK_TOO_LONG',
    `Looking at ${where} took longer than ${Math.round(deadlineMs / 1000)} s and was given up; check that its disk ` +
      'answers and that its files are those of a model or an adapter.',
    { path: where, deadlineMs },
  );
}

function threadError(error: Error, where: string): unknown {
  if (!('code' in error) || error.code !== 'ERR_WORKER_OUT_OF_MEMORY') return error;
  return new GraftError(
    'LOOK_TOO_LARGE',
    `The files in ${where} need more than ${MEMORY_MB} MiB only to be looked at; download them again.`,
    { path: where },
  );
}

function cancelled(): GraftError {
  return new GraftError('CANCELLED', 'The look at the folder was called off; start it again.');
}
