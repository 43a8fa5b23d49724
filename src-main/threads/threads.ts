/**
 * Threads that answer questions about files of other people. Each question has a deadline and a bound on memory, and
 * can be called off; a thread that is late, needs too much or is not wanted any more is ended, and the process goes on.
 */
import { Worker } from 'node:worker_threads';
import { GraftError } from '../../src-shared/errors.ts';
import type { ThreadMessage } from './answerQuestions.ts';

interface ThreadKind {
  /** The file that calls `answerQuestions`. */
  entry: string;
  /** Of a thread's own values. What it reads into buffers is bounded where it is read. */
  memoryMb: number;
  /** Of buffers, where libraries fill them as a file asks; looked at while a question is under way. Default: any. */
  bufferMb?: number;
  /** Questions at once; the others wait for their turn. Default: any number. */
  most?: number;
  /** Threads that are kept while they have nothing to do. Default: one. */
  kept?: number;
}

/** What a question without an answer is answered by. */
export interface ThreadErrors {
  late: () => Error;
  tooLarge: () => Error;
  cancelled: () => Error;
  /** The thread ended by itself. */
  ended: (cause?: Error) => unknown;
}

interface AskOptions {
  /** From the question, or the last sign of progress, to the next one or the answer. */
  deadlineMs: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: unknown) => void) | undefined;
  /** Called once no thread works on the question any more, whatever came of it. */
  onLeft?: () => void;
  errors: ThreadErrors;
}

/** Between two looks at the memory of a thread: an unpacking fills some tens of megabytes meanwhile. */
const WATCH_MS = 100;

export class Threads {
  #kind: ThreadKind;
  /** Threads that have nothing to do; they never keep the process alive. */
  #idle: Worker[] = [];
  #busy = 0;
  #waiting: (() => void)[] = [];

  constructor(kind: ThreadKind) {
    this.#kind = kind;
  }

  /** Throws what the thread throws, or one of `errors`. */
  async ask<A>(question: unknown, options: AskOptions): Promise<A> {
    const { signal, errors, onLeft } = options;
    let left: Promise<unknown> = Promise.resolve();
    try {
      await this.#turn(options);
      try {
        if (signal?.aborted) throw errors.cancelled();
        const thread = this.#idle.pop() ?? this.#start();
        const bufferMb = this.#kind.bufferMb ?? Infinity;
        const answer = await answerOf(thread, question, { ...options, bufferMb }).catch((error: unknown) => {
          // Not waited for: a disk that does not answer may hold the thread for long.
          left = thread.terminate();
          throw error;
        });
        this.#release(thread);
        if ('error' in answer) throw GraftError.fromData(answer.error);
        return answer.result as A;
      } finally {
        this.#next();
      }
    } finally {
      void left.then(onLeft);
    }
  }

  async #turn({ signal, errors }: AskOptions): Promise<void> {
    if (this.#busy < (this.#kind.most ?? Infinity)) return void this.#busy++;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      if (!this.#waiting.includes(resolve)) return;
      this.#waiting = this.#waiting.filter((one) => one !== resolve);
      reject(errors.cancelled());
    };
    this.#waiting.push(resolve);
    signal?.addEventListener('abort', leave);
    if (signal?.aborted) leave();
    await promise.finally(() => signal?.removeEventListener('abort', leave));
  }

  /** Whoever waits longest takes the turn over. */
  #next(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#busy--;
  }

  #start(): Worker {
    const thread = new Worker(this.#kind.entry, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: this.#kind.memoryMb },
    });
    // What ends a thread that nobody waits for is nobody's error.
    thread.on('error', () => undefined);
    thread.on('exit', () => (this.#idle = this.#idle.filter((one) => one !== thread)));
    return thread;
  }

  /** Ends the threads that have nothing to do, and their memory with them; the next question starts another. */
  endIdle(): void {
    for (const thread of this.#idle.splice(0)) void thread.terminate();
  }

  /** A thread more than are kept, of a question that ran beside others, ends. */
  #release(thread: Worker): void {
    if (this.#idle.length >= (this.#kind.kept ?? 1)) return void thread.terminate();
    thread.unref();
    this.#idle.push(thread);
  }
}

type Answer = Exclude<ThreadMessage, { progress: unknown }>;

/** Rejects where the thread ends first, or is late, or is not waited for any more. */
async function answerOf(
  thread: Worker,
  question: unknown,
  { deadlineMs, signal, onProgress, errors, bufferMb }: AskOptions & { bufferMb: number },
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const endWatch = watchBuffers(thread, bufferMb, () => reject(errors.tooLarge()));
  const timer = setTimeout(() => reject(errors.late()), deadlineMs);
  const onMessage = (message: ThreadMessage): void => {
    if (!('progress' in message)) return resolve(message);
    timer.refresh();
    onProgress?.(message.progress);
  };
  const onError = (error: Error): void =>
    reject('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? errors.tooLarge() : errors.ended(error));
  const onExit = (): void => reject(errors.ended());
  const giveUp = (): void => reject(errors.cancelled());
  thread.ref();
  thread.on('message', onMessage).on('error', onError).on('exit', onExit);
  signal?.addEventListener('abort', giveUp);
  thread.postMessage(question);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    endWatch();
    thread.off('message', onMessage).off('error', onError).off('exit', onExit);
    signal?.removeEventListener('abort', giveUp);
  }
}

/** Calls `onTooMuch` where a thread holds more in buffers. Node asks the thread, also while it works. */
function watchBuffers(thread: Worker, mostMb: number, onTooMuch: () => void): () => void {
  if (mostMb === Infinity) return () => undefined;
  const look = async (): Promise<void> => {
    // A thread that has ended has no memory; whoever waits for it hears of that elsewhere.
    const held = await thread.getHeapStatistics().catch(() => undefined);
    if (held && held.external_memory > mostMb * 2 ** 20) onTooMuch();
  };
  const timer = setInterval(() => void look(), WATCH_MS);
  return () => clearInterval(timer);
}
