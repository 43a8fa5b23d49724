/** The playground: one worker with a resident base model; adapters are attached to it without reading the base again. */
import type { Catalog } from '../catalog/catalog.ts';
import { GraftError, usageError } from '../errors.ts';
import type { BaseDtype } from '../engine/frozen/formats.ts';
import type { EngineName, GenerateParams, LoadResult } from '../trainer/protocol.ts';
import type { EngineService } from './engines.ts';
import type { WorkerCall, WorkerClient, Workers } from './workerClient.ts';

export interface PlaygroundState {
  /** Null: nothing is loaded. */
  modelDir: string | null;
  /** Null when the model is not in the catalogue. */
  modelId: string | null;
  /** Null: the plain base. */
  adapterDir: string | null;
  adapterId: string | null;
  /** Engine, device and time of the load. */
  load: LoadResult | null;
  generating: boolean;
}

const EMPTY: PlaygroundState = { modelDir: null, modelId: null, adapterDir: null, adapterId: null, load: null, generating: false };

export class PlaygroundService {
  #catalog: Catalog;
  #workers: Workers;
  #engines: EngineService;
  #client: WorkerClient | undefined;
  #state: PlaygroundState = EMPTY;

  constructor(catalog: Catalog, workers: Workers, engines: EngineService) {
    this.#catalog = catalog;
    this.#workers = workers;
    this.#engines = engines;
  }

  get state(): PlaygroundState {
    return this.#state;
  }

  /** Loads a registered model, in place of what was loaded. */
  async load(modelId: string, engine: 'auto' | EngineName = 'auto'): Promise<LoadResult> {
    const model = this.#catalog.models.get(modelId);
    if (!model) throw usageError('MODEL_NOT_FOUND', `There is no base model ${modelId} in the catalogue; add its folder first.`, { modelId });
    return this.loadDir(model.dir, engine);
  }

  async loadDir(modelDir: string, engine: 'auto' | EngineName = 'auto', baseDtype?: BaseDtype): Promise<LoadResult> {
    this.#refuseWhileGenerating();
    const resolved = await this.#engines.resolve(engine);
    // A new process gives back all memory of the old model, whatever the engine keeps.
    this.unload();
    const client = this.#workers.spawn();
    this.#client = client;
    client.onExit(() => {
      if (this.#client === client) this.#reset();
    });
    try {
      const load = await client.call('load', { engine: resolved, modelDir, ...(baseDtype ? { baseDtype } : {}) }).promise;
      this.#state = { ...EMPTY, modelDir, modelId: this.#catalog.models.byDir(modelDir)?.id ?? null, load };
      return load;
    } catch (error) {
      if (this.#client === client) this.unload();
      throw error;
    }
  }

  /** Attaches a registered adapter (null: the plain base). Throws NOTHING_LOADED, ADAPTER_NOT_FOUND, or that it belongs to another base. */
  async attach(adapterId: string | null): Promise<{ switchMs: number }> {
    if (adapterId === null) return this.attachDir(null);
    const adapter = this.#catalog.adapters.get(adapterId);
    if (!adapter) throw usageError('ADAPTER_NOT_FOUND', `There is no adapter ${adapterId} in the catalogue; "adapters list" shows those that exist.`, { adapterId });
    const switched = await this.attachDir(adapter.dir);
    this.#state = { ...this.#state, adapterId };
    return switched;
  }

  async attachDir(adapterDir: string | null): Promise<{ switchMs: number }> {
    const client = this.#loaded();
    this.#refuseWhileGenerating();
    const switched = await client.call('attach', { adapterDir }).promise;
    this.#state = { ...this.#state, adapterDir, adapterId: null };
    return switched;
  }

  /** Merges the adapter in this folder into the loaded weights instead; throws NOT_ADDITIVE, MERGE_NEEDS_F32. */
  async mergeDir(adapterDir: string): Promise<{ switchMs: number }> {
    const client = this.#loaded();
    this.#refuseWhileGenerating();
    const switched = await client.call('mergeInto', { tasks: [{ adapterDir, scale: 1 }] }).promise;
    this.#state = { ...this.#state, adapterDir, adapterId: null };
    return switched;
  }

  /** Streams text to `onText`; control('stop') cancels. One generation at a time. */
  generate(params: GenerateParams, onText: (text: string) => void): WorkerCall<'generate'> {
    return this.#exclusive((client) => client.call('generate', params, (event) => onText(event.text)));
  }

  /** The same prompt with each of these adapter folders (null: the plain base) in one batch. control('stop') cancels. */
  compare(params: GenerateParams, adapterDirs: (string | null)[]): WorkerCall<'compare'> {
    return this.#exclusive((client) => client.call('compare', { ...params, adapterDirs }));
  }

  /** Ends the worker and gives its memory back. */
  unload(): void {
    this.#client?.kill();
    this.#reset();
  }

  #exclusive<K extends 'generate' | 'compare'>(start: (client: WorkerClient) => WorkerCall<K>): WorkerCall<K> {
    const client = this.#loaded();
    this.#refuseWhileGenerating();
    this.#state = { ...this.#state, generating: true };
    const call = start(client);
    const promise = call.promise.finally(() => {
      if (this.#client === client) this.#state = { ...this.#state, generating: false };
    });
    return { promise, control: (action) => call.control(action) };
  }

  #reset(): void {
    this.#client = undefined;
    this.#state = EMPTY;
  }

  #loaded(): WorkerClient {
    if (!this.#client || this.#state.modelDir === null) throw usageError('NOTHING_LOADED', 'No base model is loaded; load one first.');
    return this.#client;
  }

  #refuseWhileGenerating(): void {
    if (this.#state.generating) throw new GraftError('BUSY', 'A text is being generated; wait for it or cancel it first.');
  }
}
