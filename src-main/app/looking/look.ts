/**
 * Looks at folders that other people made, in a thread of its own: whatever a folder holds, the main process goes on
 * answering. A look that takes too long, needs too much memory or is not wanted any more is ended with its thread.
 */
import path from 'node:path';
import { GraftError } from '../../../src-shared/errors.ts';
import { Threads, type ThreadErrors } from '../../threads/threads.ts';
import type { LookArguments, LookName, LookResult } from './looks.ts';
import type { LookQuestion } from './lookThread.ts';

interface LookOptions {
  /** Ends the look; it then throws CANCELLED. */
  signal?: AbortSignal | undefined;
  /** Default: one that a folder on a slow disk keeps. */
  deadlineMs?: number;
}

const DEADLINE_MS = 60_000;
/** Adapters are read as a whole, some of them gigabytes. */
const DEADLINES_MS: Partial<Record<LookName, number>> = {
  adapterFits: 300_000,
  convertAdapter: 300_000,
  fileSha256: 300_000,
  // A page waits for it, place by place.
  findModels: 20_000,
};
/** Of the thread's own values. What it reads into buffers is bounded where it is read. */
const MEMORY_MB = 768;

/** The source, or the bundle's file beside this one. */
const ENTRY = path.join(import.meta.dirname, `lookThread${path.extname(import.meta.filename)}`);

const threads = new Threads({ entry: ENTRY, memoryMb: MEMORY_MB });

/** Throws what the look throws, LOOK_TOO_LONG, LOOK_TOO_LARGE, or CANCELLED. */
export function look<K extends LookName>(
  name: K,
  args: LookArguments<K>,
  { signal, deadlineMs = DEADLINES_MS[name] ?? DEADLINE_MS }: LookOptions = {},
): Promise<LookResult<K>> {
  const question: LookQuestion = { name, args };
  const where = placeOf(args[0]);
  const errors: ThreadErrors = {
    late: () => tooLong(where, deadlineMs),
    tooLarge: () => tooLarge(where),
    cancelled,
    ended: (cause) => cause ?? cancelled(),
  };
  return threads.ask(question, { signal, deadlineMs, errors });
}

function placeOf(argument: unknown): string {
  if (typeof argument === 'string') return argument;
  const part = (name: string): unknown =>
    typeof argument === 'object' && argument !== null ? Reflect.get(argument, name) : undefined;
  const place = part('dir') ?? part('from');
  return typeof place === 'string' ? place : 'the folder';
}

function tooLong(where: string, deadlineMs: number): GraftError {
  return new GraftError(
    'LOOK_TOO_LONG',
    `Looking at ${where} took longer than ${Math.round(deadlineMs / 1000)} s and was given up; check that its disk ` +
      'answers and that its files are those of a model or an adapter.',
    { path: where, deadlineMs },
  );
}

function tooLarge(where: string): GraftError {
  return new GraftError(
    'LOOK_TOO_LARGE',
    `The files in ${where} need more than ${MEMORY_MB} MiB only to be looked at; download them again.`,
    { path: where },
  );
}

function cancelled(): GraftError {
  return new GraftError('CANCELLED', 'The look at the folder was called off; start it again.');
}
