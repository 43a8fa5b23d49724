/**
 * Answers over HTTP from one resident base: a request names a task, the task's active adapter answers, and requests for
 * different tasks are decoded in one batch. Training may go on beside it; the two share cores and memory.
 */
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import { keptToken } from '../../files/privateToken.ts';
import type { BaseForms } from '../../../src-shared/baseDtypes.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { GenerateResult } from '../../../src-shared/generation.ts';
import { SERVING_OFF, type ServedLoad, type ServedTask, type ServingState } from '../../../src-shared/serving.ts';
import { streamOf } from '../events/stream.ts';
import { Watchers } from '../events/watchers.ts';
import type { ModelService } from '../models/service.ts';
import type { Home } from '../storage/home.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import { RequestDesk, type Asked } from './desk.ts';
import { Holder } from './holder.ts';
import { startServingSchema, type StartServing } from './inputs.ts';
import { answererOf, ggufBase, likelyBase, servedTasks, type ServedBase } from './served.ts';

const TOPIC = 'state';
/** Pages are told no more often. */
const TOLD_EVERY_MS = 300;
/** The answer that is timed after the start. */
const MEASURED = { ids: [5, 6, 7, 8], tokens: 24 };
const KEY_FILE = 'serving-key';

/** What a host needs to answer requests. */
export interface ServingDesk {
  /** Throws a usage error SERVING_NO_TASK or SERVING_OTHER_BASE, and what RequestDesk.ask throws. */
  ask(request: Omit<Asked, 'answerer'> & { model: string }): Promise<GenerateResult>;
  tasks(): ServedTask[];
  /** Remembers why a request failed; null: it named no model. */
  note(model: string | null, error: unknown): void;
  /** When the service was started. */
  startedAt: Date;
}

/** Opens a port for a service. Throws SERVING_PORT where it is taken. */
export type OpenServing = (
  desk: ServingDesk,
  options: { host: string; port: number; apiKey: string | null },
) => Promise<{ address: string; close(): Promise<void> }>;

interface Running {
  base: ServedBase;
  holder: Holder;
  desk: RequestDesk;
  apiKey: string | null;
  server?: Awaited<ReturnType<OpenServing>>;
  load: ServedLoad | null;
  aloneTokensPerSecond: number | null;
  loading: { done: number; total: number } | null;
  crashed: GraftError | null;
  /** It has been loaded once. */
  isReady: boolean;
}

export class ServingService {
  readonly #home: Home;
  readonly #catalog: Catalog;
  readonly #models: ModelService;
  readonly #workers: Workers;
  readonly #engines: EngineService;
  readonly #open: OpenServing | undefined;
  readonly #watchers = new Watchers<ServingState>();
  #running: Running | undefined;
  #telling: NodeJS.Timeout | undefined;

  constructor(parts: {
    home: Home;
    catalog: Catalog;
    models: ModelService;
    workers: Workers;
    engines: EngineService;
    open: OpenServing | undefined;
  }) {
    this.#home = parts.home;
    this.#catalog = parts.catalog;
    this.#models = parts.models;
    this.#workers = parts.workers;
    this.#engines = parts.engines;
    this.#open = parts.open;
  }

  get state(): ServingState {
    const running = this.#running;
    if (!running) return SERVING_OFF;
    const { base, load, loading, crashed, server, apiKey, desk } = running;
    return {
      ...SERVING_OFF,
      ...desk.figures,
      status: server && running.isReady ? 'on' : 'starting',
      address: server?.address ?? null,
      apiKey,
      model: { id: base.id, name: base.name, dir: base.dir },
      tasks: servedTasks(this.#catalog, base),
      load,
      aloneTokensPerSecond: running.aloneTokensPerSecond,
      loading,
      pid: running.holder.pid,
      crashed: crashed?.toData() ?? null,
    };
  }

  /** The state as it is, then its changes, some of them taken together. */
  watch(signal?: AbortSignal): AsyncGenerator<ServingState, void, void> {
    return streamOf<ServingState>((listener) => this.#watchers.subscribe(TOPIC, listener), {
      first: [this.state],
      isLast: () => false,
      signal,
    });
  }

  /** Throws SERVING_ON, SERVING_NO_MODEL, SERVING_PORT, and what loading the base throws; it is off then. */
  async start(input: StartServing): Promise<ServingState> {
    const { modelId, gguf } = input;
    if (gguf !== undefined) return this.startOn(ggufBase(gguf), input);
    const base = modelId === undefined ? likelyBase(this.#catalog) : this.#models.require(modelId);
    return this.startOn(base, input);
  }

  /** The same on a base that need not be registered. */
  async startOn(base: ServedBase, input: StartServing, forms: BaseForms = {}): Promise<ServingState> {
    const {
      engine,
      host,
      port,
      apiKey = keptToken(path.join(this.#home.dir, KEY_FILE)),
    } = startServingSchema.parse(input);
    if (!this.#open) throw usageError('SERVING_NOT_HERE', 'This program cannot serve; use "graft serve" or the app.');
    if (this.#running)
      throw usageError('SERVING_ON', 'A service runs already; stop it before another is started.', {
        address: this.#running.server?.address,
      });
    const running = this.#begin(
      base,
      base.isGguf ? { gguf: base.dir } : { engine, modelDir: base.dir, ...forms },
      apiKey,
    );
    try {
      running.server = await this.#open(this.#deskFor(running), { host, port, apiKey });
      await this.#measure(running);
      if (this.#running !== running) throw new GraftError('CANCELLED', 'The service was stopped while it started.');
      this.#tell();
      return this.state;
    } catch (error) {
      await this.#end(running);
      throw error;
    }
  }

  /** Ends every request and the worker, and gives its memory back. */
  async stop(): Promise<ServingState> {
    if (this.#running) await this.#end(this.#running);
    return this.state;
  }

  /** How fast one answer is by itself, which also warms the engine up. */
  async #measure(running: Running): Promise<void> {
    const worker = await running.holder.ready();
    const params = { prompt: '', ids: MEASURED.ids, temperature: 0, ignoreEnds: true, adapterDir: null };
    await worker.call('answer', { ...params, maxNew: 1 }).promise;
    const { tokensPerSecond } = await worker.call('answer', { ...params, maxNew: MEASURED.tokens }).promise;
    this.#change(running, { isReady: true, aloneTokensPerSecond: tokensPerSecond });
  }

  #begin(base: ServedBase, model: ConstructorParameters<typeof Holder>[1], apiKey: string | null): Running {
    const changed = (): void => this.#tell();
    const holder = new Holder({ workers: this.#workers, engines: this.#engines }, model, {
      loading: (loading) => this.#change(running, { loading }),
      loaded: (load) => this.#change(running, { load, loading: null, crashed: null }),
      gone: (crashed) => this.#change(running, { crashed, load: null, loading: null }),
    });
    const desk = new RequestDesk(() => holder.ready(), changed);
    const running: Running = {
      base,
      holder,
      desk,
      apiKey,
      load: null,
      aloneTokensPerSecond: null,
      loading: null,
      crashed: null,
      isReady: false,
    };
    this.#running = running;
    changed();
    return running;
  }

  #deskFor({ base, desk, holder }: Running): ServingDesk {
    return {
      startedAt: new Date(),
      note: (model, error) => desk.note(model, error),
      tasks: () => servedTasks(this.#catalog, base),
      ask: async ({ model, ...asked }) => {
        const answerer = answererOf(this.#catalog, base, model);
        try {
          return await desk.ask({ ...asked, answerer });
        } catch (error) {
          holder.failed(error);
          throw error;
        }
      },
    };
  }

  async #end(running: Running): Promise<void> {
    if (this.#running === running) this.#running = undefined;
    running.desk.close(new GraftError('CANCELLED', 'The service was stopped.'));
    running.holder.close();
    this.#tell();
    await running.server?.close();
  }

  #change(running: Running, changes: Partial<Running>): void {
    Object.assign(running, changes);
    this.#tell();
  }

  #tell(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      this.#watchers.emit(TOPIC, this.state);
    }, TOLD_EVERY_MS).unref();
  }
}
