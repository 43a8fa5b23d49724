/**
 * What the processes of one run do together. All of them take the same way through it and meet at the same places; at
 * each meeting every one learns whether another has failed, and what the user wants of the run. So all go on, pause,
 * stop or end with the same error, and none waits for one that is gone. A run of one process is a team of its own,
 * whose meetings cost nothing.
 */
import { GraftError, toErrorData, type ErrorData } from '../../../src-shared/errors.ts';
import type { Ranks } from '../../mpi/ranks.ts';
import type { Wishes } from '../control.ts';

/** Last values of what `sumStep` sums, which are the team's own. */
export const TEAM_VALUES = 3;

export interface Team {
  /** Of this process, from 0 on: the first alone tells and writes. */
  readonly rank: number;
  readonly size: number;
  /** Of them on this machine, whose memory they share. */
  readonly here: number;
  /** What the user wants, as all know it since they last met. */
  readonly control: Wishes;
  /** Each does `work`, on whose way none meets another. Throws on all what it throws on one. */
  each<T>(work: () => T | Promise<T>): Promise<T>;
  /** The first alone does `work`, and all get what it gives, as JSON, or throw what it throws. */
  first<T>(work: () => T | Promise<T>): Promise<T>;
  /** A meeting of which all learn what the user wants. */
  agree(): void;
  /** In place of this process's next meeting, which is none of a step: throws `error` on all. */
  fail(error: unknown): never;
  /** Each value becomes the sum over all. */
  sum(values: Float64Array): void;
  /** The same of a step, in one exchange with all that the team has to learn; throws `failure` on all. */
  sumStep(values: Float32Array, failure?: unknown): void;
  /** The values of the first become those of all. */
  copy(values: Float32Array): void;
}

/** A run of one process. */
export function alone(control: Wishes): Team {
  return {
    rank: 0,
    size: 1,
    here: 1,
    control,
    each: async (work) => work(),
    first: async (work) => work(),
    agree: () => undefined,
    fail: (error) => {
      throw error;
    },
    sum: () => undefined,
    sumStep: (_, failure) => {
      if (failure !== undefined) throw failure;
    },
    copy: () => undefined,
  };
}

/** Errors that every process throws. */
const known = new WeakSet<GraftError>();

/** The team of a run on several processes. `own`: what this process has been asked for. */
export function teamOf(ranks: Ranks, own: Wishes): Team {
  const { rank, size } = ranks;
  const control = { stopped: false, paused: false, untilReleased: () => own.untilReleased() };
  const wishes = (failure: unknown): number[] => [
    failure === undefined ? 0 : 1,
    own.stopped ? 1 : 0,
    own.paused ? 1 : 0,
  ];
  const learn = (
    [failed = 0, stopped = 0, paused = 0]: ArrayLike<number> & Iterable<number>,
    failure: unknown,
  ): void => {
    if (failed > 0) throw firstFailure(ranks, failure);
    control.stopped ||= stopped > 0;
    control.paused ||= paused > 0;
  };
  const meet = (failure?: unknown): void => {
    const values = Float64Array.from(wishes(failure));
    ranks.sumDoubles(values);
    learn(values, failure);
  };
  /** What `work` gives; an error of another meeting on its way is known to all already. */
  const outcome = async <T>(work: () => T | Promise<T>): Promise<{ value: T } | { failure: unknown }> => {
    try {
      return { value: await work() };
    } catch (failure) {
      if (isKnown(failure)) throw failure;
      return { failure };
    }
  };
  const each = async <T>(work: () => T | Promise<T>): Promise<T> => {
    const result = await outcome(work);
    if ('value' in result) {
      meet();
      return result.value;
    }
    meet(result.failure);
    throw result.failure;
  };
  return {
    rank,
    size,
    here: ranks.here,
    control,
    each,
    first: async <T>(work: () => T | Promise<T>): Promise<T> => {
      const value = await each(() => (rank === 0 ? work() : undefined));
      const told = copyJson(ranks, 0, rank === 0 ? value : undefined);
      return (rank === 0 ? value : told) as T;
    },
    agree: () => meet(),
    fail: (error) => {
      if (!isKnown(error)) meet(error);
      throw error;
    },
    sum: (values) => ranks.sumDoubles(values),
    sumStep: (values, failure) => {
      values.set(wishes(failure), values.length - TEAM_VALUES);
      ranks.sum(values);
      learn(values.subarray(-TEAM_VALUES), failure);
    },
    copy: (values) => ranks.copy(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  };
}

/** The error of the first process that has one, for all to throw. */
function firstFailure(ranks: Ranks, failure: unknown): GraftError {
  const { rank, size, host } = ranks;
  const failed = new Float64Array(size);
  if (failure !== undefined) failed[rank] = 1;
  ranks.sumDoubles(failed);
  const who = failed.findIndex((count) => count > 0);
  const data = copyJson<ErrorData>(ranks, who, rank === who ? errorData(failure, who, { size, host }) : undefined);
  const error = GraftError.fromData(data);
  known.add(error);
  return error;
}

function errorData(failure: unknown, who: number, { size, host }: { size: number; host: string }): ErrorData {
  const data = toErrorData(failure);
  if (who === 0) return data;
  return {
    ...data,
    message: `${nameOf(who, size, host)} could not go on: ${data.message}`,
    details: { ...data.details, process: who + 1, host },
  };
}

function nameOf(rank: number, size: number, host: string): string {
  return `Process ${rank + 1} of ${size} (on ${host})`;
}

function isKnown(error: unknown): boolean {
  return error instanceof GraftError && known.has(error);
}

/** What `value` is on process `from`. */
function copyJson<T>(ranks: Ranks, from: number, value: T | undefined): T {
  const mine = ranks.rank === from ? new TextEncoder().encode(JSON.stringify({ value })) : undefined;
  const length = Int32Array.of(mine?.length ?? 0);
  ranks.copy(new Uint8Array(length.buffer), from);
  const bytes = mine ?? new Uint8Array(length[0]!);
  ranks.copy(bytes, from);
  return (JSON.parse(new TextDecoder().decode(bytes)) as { value: T }).value;
}

/**
 * Ends this process's part in a run over MPI, of which `train` has given its result, or has thrown `error`. The first
 * process calls it last, when it has told the one or the other: the processes that have come here wait for it, but an
 * error that the others know nothing of ends them all at once.
 */
export function leaveRanks(ranks: Ranks, error?: unknown): void {
  if (error === undefined || isKnown(error)) return ranks.finish();
  const { rank, size, host } = ranks;
  if (rank > 0) process.stderr.write(`${nameOf(rank, size, host)} could not go on: ${toErrorData(error).message}\n`);
  ranks.abort(1);
}
