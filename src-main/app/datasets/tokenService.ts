/**
 * Tokens of rows, made in worker processes: loading the tokenizer of a large vocabulary alone would hold the main
 * process for hundreds of milliseconds.
 */
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import { KeptWorker } from '../workers/keptWorker.ts';
import type { Workers } from '../workers/client.ts';

export class TokenService {
  #workers: Workers;
  #kept: KeptWorker;

  constructor(workers: Workers) {
    this.#workers = workers;
    this.#kept = new KeptWorker(workers);
  }

  preview(params: WorkerCalls['previewTokens']['params']): Promise<WorkerCalls['previewTokens']['result']> {
    return this.#kept.ask('previewTokens', params);
  }

  /** Counts in a process of its own, so that previews need not wait. `stop` ends it; `ended` then rejects. */
  count(
    params: WorkerCalls['countTokens']['params'],
    onCounts: (counts: WorkerCalls['countTokens']['event']) => void,
  ): { ended: Promise<void>; stop: () => void } {
    const client = this.#workers.spawn();
    return {
      ended: client.call('countTokens', params, onCounts).promise.finally(() => client.kill()),
      stop: () => client.kill(),
    };
  }

  /** Throws what checkDataset throws. */
  check(options: WorkerCalls['checkDataset']['params']): Promise<WorkerCalls['checkDataset']['result']> {
    return this.#workers.once('checkDataset', options);
  }
}
