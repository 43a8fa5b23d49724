/**
 * The worker process that holds the base of a service. It is started with the service; where it dies, or its graphics
 * card fails, the next request starts another.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import type { BaseForms } from '../../../src-shared/baseDtypes.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import type { ServedLoad } from '../../../src-shared/serving.ts';
import type { WorkerExit } from '../workers/channel.ts';
import { howItEnded, type WorkerClient, type Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';

/** A base on one of Graft's engines, or a GGUF file in llama.cpp. */
export type HeldModel = ({ engine: 'auto' | BackendName; modelDir: string } & BaseForms) | { gguf: string };

interface Listener {
  loading(progress: { done: number; total: number }): void;
  loaded(load: ServedLoad): void;
  /** Nobody asked for it to end. */
  gone(error: GraftError): void;
}

export class Holder {
  readonly #workers: Workers;
  readonly #engines: EngineService;
  readonly #model: HeldModel;
  readonly #listener: Listener;
  #client: WorkerClient | undefined;
  #ready: Promise<WorkerClient> | undefined;
  #closed = false;

  constructor(parts: { workers: Workers; engines: EngineService }, model: HeldModel, listener: Listener) {
    this.#workers = parts.workers;
    this.#engines = parts.engines;
    this.#model = model;
    this.#listener = listener;
  }

  get pid(): number | null {
    return this.#client?.pid ?? null;
  }

  /** The process with the base in it. Throws what loading throws; the next call then tries again. */
  ready(): Promise<WorkerClient> {
    this.#ready ??= this.#load().catch((error: unknown) => {
      this.#letGo();
      throw error;
    });
    return this.#ready;
  }

  /** Ends a process whose graphics card has failed with this error: its weights are gone. */
  failed(error: unknown): void {
    if (!(error instanceof GraftError) || !error.code.startsWith('GPU_')) return;
    this.#letGo();
    this.#listener.gone(error);
  }

  close(): void {
    this.#closed = true;
    this.#letGo();
  }

  async #load(): Promise<WorkerClient> {
    const model = this.#model;
    const load =
      'gguf' in model
        ? (client: WorkerClient) => client.call('loadGguf', { file: model.gguf }).promise
        : await this.#loadOn(model);
    if (this.#closed) throw new GraftError('CANCELLED', 'The service was stopped before its model was loaded.');
    const client = this.#workers.spawn();
    this.#client = client;
    client.onExit((exit) => {
      if (this.#client !== client) return;
      this.#client = this.#ready = undefined;
      this.#listener.gone(holderGone(exit));
    });
    this.#listener.loading({ done: 0, total: 1 });
    this.#listener.loaded(await load(client));
    return client;
  }

  async #loadOn(
    model: Extract<HeldModel, { modelDir: string }>,
  ): Promise<(client: WorkerClient) => Promise<ServedLoad>> {
    const params = { ...model, engine: await this.#engines.resolve(model.engine) };
    return (client) => client.call('load', params, (progress) => this.#listener.loading(progress)).promise;
  }

  #letGo(): void {
    const client = this.#client;
    this.#client = this.#ready = undefined;
    client?.kill();
  }
}

function holderGone(exit: WorkerExit): GraftError {
  return new GraftError(
    'SERVING_CRASHED',
    `The process that held the model ${howItEnded(exit)}; ask again, and the model is loaded anew, with fewer ` +
      'requests at once or on another engine if memory ran out.',
    { ...exit },
  );
}
