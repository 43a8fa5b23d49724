/**
 * One worker process for questions that come one after another: started with the first, ended when none has come for a
 * while.
 */
import type { WorkerCallName, WorkerCalls } from '../../../src-shared/workerCalls.ts';
import type { WorkerClient, Workers } from './client.ts';

/** How long the worker is kept without a question. */
const IDLE_MS = 60_000;

export class KeptWorker {
  #workers: Workers;
  #client: WorkerClient | undefined;
  #idle: NodeJS.Timeout | undefined;
  #waiting = 0;

  constructor(workers: Workers) {
    this.#workers = workers;
  }

  /** Throws what the call throws, or WORKER_CRASHED; the next question then starts another process. */
  async ask<K extends WorkerCallName>(name: K, params: WorkerCalls[K]['params']): Promise<WorkerCalls[K]['result']> {
    clearTimeout(this.#idle);
    if (!this.#client?.alive) this.#client = this.#workers.spawn();
    const client = this.#client;
    this.#waiting++;
    try {
      return await client.call(name, params).promise;
    } finally {
      this.#waiting--;
      if (this.#waiting === 0) this.#idle = setTimeout(() => client.kill(), IDLE_MS).unref();
    }
  }
}
