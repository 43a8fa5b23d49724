/** The service as this page sees it: its state, what it is started with, and who answers for which task. */
import { api, type AdapterView, type BackendName, type RegisteredModel } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';
import { streamOptions, type Failure } from '../../lib/stream.ts';
import { DEFAULT_SERVING_PORT, type ServingState } from '../../../src-shared/serving.ts';

export class Serve {
  state = $state.raw<ServingState | undefined>();
  models = $state.raw<RegisteredModel[]>([]);
  adapters = $state.raw<AdapterView[]>([]);
  /** A base with its tasks, or a GGUF file in llama.cpp. */
  kind = $state<'base' | 'gguf'>('base');
  modelId = $state('');
  gguf = $state('');
  engine = $state<'auto' | BackendName>('auto');
  port = $state<number | undefined>(DEFAULT_SERVING_PORT);
  askForKey = $state(true);
  /** The page does not hear of the service any more. */
  unheard = $state.raw<Failure | undefined>();
  readonly ready = $derived(this.kind === 'base' ? this.modelId !== '' : this.gguf.trim() !== '');
  readonly opening = new Action();
  readonly starting = new Action();
  readonly switching = new Action();
  #stopWatching: (() => void) | undefined;

  /** A base model's id, or a GGUF file's path, to begin with. */
  constructor(modelId: string | null, gguf: string | null) {
    this.modelId = modelId ?? '';
    this.gguf = gguf ?? '';
    if (gguf) this.kind = 'gguf';
  }

  async open(): Promise<void> {
    await this.opening.run(async () => {
      const [models, adapters, tasks, state] = await Promise.all([
        api.models.list.query(),
        api.adapters.list.query(),
        api.tasks.list.query(),
        api.serving.state.query(),
      ]);
      this.models = models;
      this.adapters = adapters;
      const active = adapters.find(({ id }) => tasks.some(({ activeAdapterId }) => activeAdapterId === id));
      if (models.every(({ id }) => id !== this.modelId)) this.modelId = ''; // it was removed meanwhile
      this.modelId ||= state.model?.id ?? active?.modelId ?? models.at(-1)?.id ?? '';
      this.state = state;
    });
    if (this.state) this.watch();
  }

  watch(): void {
    this.close();
    this.unheard = undefined;
    const handlers = {
      data: (state: ServingState) => (this.state = state),
      failed: (_sentence: string, failure: Failure) => (this.unheard = failure),
      done: () => undefined,
    };
    const subscription = api.serving.watch.subscribe(
      undefined,
      streamOptions(handlers, () => this.close()),
    );
    this.#stopWatching = () => subscription.unsubscribe();
  }

  close(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  async start(): Promise<void> {
    const { kind, modelId, gguf, engine, port, askForKey } = this;
    const on = kind === 'base' ? { modelId, engine } : { gguf };
    const input = { ...on, port: port ?? DEFAULT_SERVING_PORT, ...(askForKey ? {} : { apiKey: null }) };
    const state = await this.starting.run(() => api.serving.start.mutate(input));
    if (state) this.state = state;
  }

  async stop(): Promise<void> {
    const state = await this.starting.run(() => api.serving.stop.mutate());
    if (state) this.state = state;
  }

  /** Adapters of a task that fit the base that is served. */
  adaptersOf(taskId: string): AdapterView[] {
    const base = this.models.find(({ id }) => id === this.state?.model?.id);
    return this.adapters.filter((adapter) => adapter.taskId === taskId && adapter.baseHash === base?.hash);
  }

  /** A prompt such as the adapter was trained on; undefined where none is known. */
  async promptOf(adapterId: string | undefined): Promise<string | undefined> {
    const runId = this.adapters.find(({ id }) => id === adapterId)?.runId;
    if (!runId) return undefined;
    const run = await api.runs.get.query({ id: runId });
    return run.spec.train.samplePrompts[0];
  }

  /** Null: the plain base. */
  async switchTo(taskId: string, adapterId: string | null): Promise<void> {
    await this.switching.run(() => api.tasks.switch.mutate({ taskId, adapterId }));
    const state = await this.switching.run(() => api.serving.state.query());
    if (state) this.state = state;
  }
}
