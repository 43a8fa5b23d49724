/**
 * The playground: one worker with a resident base model; adapters are attached to it without reading the base again.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { baseFormsOf, type BaseForms } from '../../../src-shared/baseDtypes.ts';
import { LOAD_BEGINS, type LoadProgress } from '../../../src-shared/loadProgress.ts';
import type { AnswerPiece, CompareEvent, GenerateParams, LoadResult } from '../../../src-shared/generation.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import type { AdapterService } from '../adapters/service.ts';
import type { ModelService } from '../models/service.ts';
import { isAdapter } from '../../../src-shared/methods/registry.ts';
import type { RunView } from '../runs/view.ts';
import type { EngineService } from '../workers/engines.ts';
import { assertAdditive } from './additive.ts';
import { playgroundFailure, workerGone } from './failure.ts';
import { NOTHING_LOADED, type PlaygroundState } from './state.ts';
import { Watchers } from '../events/watchers.ts';
import type { WorkerCall, WorkerClient, Workers } from '../workers/client.ts';

/** There is one playground. */
const TOPIC = 'state';

export class PlaygroundService {
  #catalog: Catalog;
  #models: ModelService;
  #adapters: AdapterService;
  #workers: Workers;
  #engines: EngineService;
  #client: WorkerClient | undefined;
  #underWay: WorkerCall<'generate' | 'compare'> | undefined;
  #state: PlaygroundState = NOTHING_LOADED;
  #watchers = new Watchers<PlaygroundState>();

  constructor(parts: {
    catalog: Catalog;
    models: ModelService;
    adapters: AdapterService;
    workers: Workers;
    engines: EngineService;
  }) {
    this.#catalog = parts.catalog;
    this.#models = parts.models;
    this.#adapters = parts.adapters;
    this.#workers = parts.workers;
    this.#engines = parts.engines;
  }

  get state(): PlaygroundState {
    return this.#state;
  }

  /** Tells every change of `state`. */
  subscribe(listener: (state: PlaygroundState) => void): () => void {
    return this.#watchers.subscribe(TOPIC, listener);
  }

  /** Loads a registered model, in place of what was loaded. */
  async load(modelId: string, engine: 'auto' | BackendName = 'auto'): Promise<LoadResult> {
    return this.loadDir(this.#models.require(modelId).dir, engine);
  }

  /** A text that is being written is stopped first. */
  async loadDir(modelDir: string, engine: 'auto' | BackendName = 'auto', forms: BaseForms = {}): Promise<LoadResult> {
    await this.stop();
    const resolved = await this.#engines.resolve(engine);
    // A new process gives back all memory of the old model, whatever the engine keeps.
    this.unload();
    const modelId = this.#catalog.models.byDir(modelDir)?.id ?? null;
    const client = this.#workers.spawn();
    this.#client = client;
    client.onExit((exit) => {
      if (this.#client === client) this.#reset({ crashed: { modelId, error: workerGone(exit).toData() } });
    });
    const progress = (loading: LoadProgress): void => {
      if (this.#client === client) this.#change({ loading: { modelId, ...loading } });
    };
    progress(LOAD_BEGINS);
    try {
      const load = await client.call('load', { engine: resolved, modelDir, ...forms }, progress).promise;
      if (this.#client === client)
        this.#change({ ...NOTHING_LOADED, modelDir, modelId, load, pid: client.pid ?? null });
      return load;
    } catch (error) {
      if (this.#client === client) this.unload();
      throw playgroundFailure(error);
    }
  }

  /**
   * Attaches a registered adapter (null: the plain base). Throws NOTHING_LOADED, ADAPTER_NOT_FOUND, or that it belongs
   * to another base.
   */
  async attach(adapterId: string | null): Promise<{ switchMs: number }> {
    const switched = await this.attachDir(this.#adapterDir(adapterId));
    this.#change({ adapterId });
    return switched;
  }

  /**
   * Loads the base of a run where another one is loaded, and attaches its interim adapter. Throws a usage error
   * NO_INTERIM.
   */
  async attachRun({ id, spec, interimAdapterDir }: RunView): Promise<{ switchMs: number }> {
    if (interimAdapterDir === null)
      throw usageError(
        'NO_INTERIM',
        `The run ${id} has no half-trained adapter to try out; pause it after its first step.`,
        { runId: id },
      );
    if (!isAdapter(spec.method)) return { switchMs: (await this.loadDir(interimAdapterDir, spec.engine)).loadMs };
    if (this.#state.modelDir !== spec.model.dir) await this.loadDir(spec.model.dir, spec.engine, baseFormsOf(spec));
    return this.attachDir(interimAdapterDir);
  }

  /** Goes on with the plain base where this adapter is attached, since it is about to be deleted. */
  async letGo(adapterId: string): Promise<void> {
    const { mix } = this.#state;
    if (this.#state.adapterId === adapterId || mix?.adapterIds.includes(adapterId)) await this.attach(null);
  }

  /** A text that is being written is stopped first. */
  async attachDir(adapterDir: string | null): Promise<{ switchMs: number }> {
    const client = this.#loaded();
    await this.stop();
    return this.#switch(client, adapterDir, client.call('attach', { adapterDir }).promise);
  }

  /**
   * Puts two registered adapters on the base at once. Throws NOTHING_LOADED, ADAPTER_NOT_FOUND, and NOT_ADDITIVE for
   * one that does more than add to weights.
   */
  async mix(adapterIds: [string, string], share: number): Promise<{ switchMs: number }> {
    const adapters = adapterIds.map((id) => this.#adapters.require(id));
    adapters.forEach(assertAdditive);
    const client = this.#loaded();
    await this.stop();
    const adapterDirs = adapters.map(({ dir }) => dir) as [string, string];
    const switched = await this.#switch(client, null, client.call('mix', { adapterDirs, share }).promise);
    this.#change({ mix: { adapterIds, share } });
    return switched;
  }

  /** Merges the adapter in this folder into the loaded weights instead; throws NOT_ADDITIVE, MERGE_NEEDS_F32. */
  async mergeDir(adapterDir: string): Promise<{ switchMs: number }> {
    const client = this.#loaded();
    await this.stop();
    return this.#switch(client, adapterDir, client.call('mergeInto', { tasks: [{ adapterDir, scale: 1 }] }).promise);
  }

  /** Streams text to `onPiece`; control('stop') cancels. One generation at a time. */
  generate(params: GenerateParams, onPiece: (piece: AnswerPiece) => void): WorkerCall<'generate'> {
    return this.#exclusive((client) => client.call('generate', params, onPiece));
  }

  /**
   * The same prompt with each of these adapter folders (null: the plain base) in one batch. control('stop') cancels.
   */
  compare(
    params: GenerateParams,
    adapterDirs: (string | null)[],
    onEvent: (event: CompareEvent) => void = () => undefined,
  ): WorkerCall<'compare'> {
    return this.#exclusive((client) => client.call('compare', { ...params, adapterDirs }, onEvent));
  }

  /** The same with registered adapters. Throws ADAPTER_NOT_FOUND. */
  compareAdapters(
    params: GenerateParams,
    adapterIds: (string | null)[],
    onEvent: (event: CompareEvent) => void,
  ): WorkerCall<'compare'> {
    return this.compare(
      params,
      adapterIds.map((id) => this.#adapterDir(id)),
      onEvent,
    );
  }

  /** Ends the text that is being written, and waits until it has ended. */
  async stop(): Promise<void> {
    const call = this.#underWay;
    if (!call) return;
    call.control('stop');
    await call.promise.then(
      () => undefined,
      () => undefined,
    );
  }

  /** Ends the text that is being written, then the worker, and gives its memory back. */
  async stopAndUnload(): Promise<PlaygroundState> {
    await this.stop();
    this.unload();
    return this.#state;
  }

  /** Ends the worker and gives its memory back. */
  unload(): void {
    const client = this.#client;
    this.#reset();
    client?.kill();
  }

  #adapterDir(adapterId: string | null): string | null {
    return adapterId === null ? null : this.#adapters.require(adapterId).dir;
  }

  async #switch(
    client: WorkerClient,
    adapterDir: string | null,
    done: Promise<{ switchMs: number }>,
  ): Promise<{ switchMs: number }> {
    try {
      const switched = await done;
      if (this.#client === client) this.#change({ adapterDir, adapterId: null, mix: null });
      return switched;
    } catch (error) {
      throw playgroundFailure(error);
    }
  }

  #exclusive<K extends 'generate' | 'compare'>(start: (client: WorkerClient) => WorkerCall<K>): WorkerCall<K> {
    const client = this.#loaded();
    if (this.#state.generating)
      throw new GraftError('BUSY', 'A text is being generated; wait for it or cancel it first.');
    this.#change({ generating: true });
    const call = start(client);
    const promise = call.promise
      .catch((error: unknown) => {
        throw playgroundFailure(error);
      })
      .finally(() => {
        this.#underWay = undefined;
        if (this.#client === client) this.#change({ generating: false });
      });
    const watched = { promise, control: call.control };
    this.#underWay = watched;
    return watched;
  }

  #change(changes: Partial<PlaygroundState>): void {
    this.#state = { ...this.#state, ...changes };
    this.#watchers.emit(TOPIC, this.#state);
  }

  #reset(changes: Partial<PlaygroundState> = {}): void {
    this.#client = undefined;
    this.#underWay = undefined;
    this.#change({ ...NOTHING_LOADED, ...changes });
  }

  #loaded(): WorkerClient {
    if (!this.#client || this.#state.modelDir === null)
      throw usageError('NOTHING_LOADED', 'No base model is loaded; load one first.');
    return this.#client;
  }
}
