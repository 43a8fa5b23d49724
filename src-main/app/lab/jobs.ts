/**
 * The lab's work under way: one piece at a time, since each may take all of a processor and its memory. Whoever asks
 * for what is being computed already joins it, and a page that goes away does not end it.
 */
import { GraftError, toErrorData, type ErrorData } from '../../../src-shared/errors.ts';
import type { LabProgress } from '../../../src-shared/lab.ts';
import { streamOf } from '../events/stream.ts';
import { Watchers } from '../events/watchers.ts';

export type LabEvent<T> =
  /** Others are before it. */
  | { type: 'waiting'; job: string }
  /** Matrices; `leftMs` is null before there is a pace. */
  | { type: 'progress'; job: string; done: number; total: number; leftMs: number | null }
  | { type: 'done'; job: string; result: T }
  | { type: 'failed'; job: string; error: ErrorData };

export type LabWork<T> = (signal: AbortSignal, onProgress: (progress: LabProgress) => void) => Promise<T>;

interface Job {
  /** The latest; the last one stays for those who come late. */
  event: LabEvent<unknown>;
  abort: AbortController;
  ended: Promise<void>;
}

/** Ended jobs that are remembered. */
const REMEMBERED = 20;

export class LabJobs {
  #jobs = new Map<string, Job>();
  #watchers = new Watchers<LabEvent<unknown>>();
  #turn: Promise<void> = Promise.resolve();

  /** Starts the work, or joins it where it is under way. */
  start<T>(id: string, work: LabWork<T>): void {
    if (this.isUnderWay(id)) return;
    this.#jobs.delete(id);
    const job: Job = { event: { type: 'waiting', job: id }, abort: new AbortController(), ended: Promise.resolve() };
    this.#jobs.set(id, job);
    job.ended = this.#turn = this.#turn.then(() => this.#run(id, job, work));
    this.#forgetOld();
  }

  /** Whether it is being computed, or waits for its turn. */
  isUnderWay(id: string): boolean {
    const job = this.#jobs.get(id);
    return job !== undefined && !isLast(job.event);
  }

  async ended(id: string): Promise<void> {
    await this.#jobs.get(id)?.ended;
  }

  /** The events of a job until its end; nothing where there is none of this name. Its failure is thrown. */
  async *watch<T>(
    id: string,
    signal?: AbortSignal,
  ): AsyncGenerator<Exclude<LabEvent<T>, { type: 'failed' }>, void, void> {
    const job = this.#jobs.get(id);
    if (!job) return;
    const events = streamOf<LabEvent<unknown>>((listener) => this.#watchers.subscribe(id, listener), {
      first: [job.event],
      isLast,
      signal,
    });
    for await (const event of events) {
      if (event.type === 'failed') throw GraftError.fromData(event.error);
      yield event as Exclude<LabEvent<T>, { type: 'failed' }>;
    }
  }

  /** Resolves when the work has ended; false where none was under way. */
  async cancel(id: string): Promise<boolean> {
    const job = this.#jobs.get(id);
    if (!job || isLast(job.event)) return false;
    job.abort.abort();
    await job.ended;
    return true;
  }

  close(): void {
    for (const { abort } of this.#jobs.values()) abort.abort();
  }

  async #run<T>(id: string, job: Job, work: LabWork<T>): Promise<void> {
    const startedMs = performance.now();
    const tell = (event: LabEvent<T>): void => {
      job.event = event;
      this.#watchers.emit(id, event);
    };
    const onProgress = ({ done, total }: LabProgress): void => {
      const leftMs = done === 0 ? null : ((performance.now() - startedMs) / done) * (total - done);
      tell({ type: 'progress', job: id, done, total, leftMs });
    };
    try {
      job.abort.signal.throwIfAborted();
      tell({ type: 'progress', job: id, done: 0, total: 1, leftMs: null });
      tell({ type: 'done', job: id, result: await work(job.abort.signal, onProgress) });
    } catch (error) {
      const cancelled = { code: 'CANCELLED' as const, message: 'You cancelled this; nothing of it was kept.' };
      tell({ type: 'failed', job: id, error: job.abort.signal.aborted ? cancelled : toErrorData(error) });
    }
  }

  #forgetOld(): void {
    const over = [...this.#jobs].filter(([, { event }]) => isLast(event));
    for (const [id] of over.slice(0, Math.max(0, over.length - REMEMBERED))) this.#jobs.delete(id);
  }
}

function isLast({ type }: LabEvent<unknown>): boolean {
  return type === 'done' || type === 'failed';
}
