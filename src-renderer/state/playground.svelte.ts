/** The playground page: which base and adapter are wanted, and the text as it comes. */
import { api, type AdapterView, type BaseModel, type GenerateEvent, type GenerateResult, type PlaygroundState } from '../api.ts';
import { errorSentence, streamOptions } from '../stream.ts';
import { Action } from './action.svelte.ts';

export class Playground {
  models = $state.raw<BaseModel[]>([]);
  adapters = $state.raw<AdapterView[]>([]);
  resident = $state.raw<PlaygroundState | undefined>();
  modelId = $state('');
  /** Empty: the plain base. */
  adapterId = $state('');
  prompt = $state('');
  maxNew = $state<number | undefined>(64);
  temperature = $state<number | undefined>(0);
  topK = $state<number | undefined>();
  topP = $state<number | undefined>();
  seed = $state<number | undefined>();
  stop = $state('');
  text = $state('');
  result = $state.raw<GenerateResult | undefined>();
  generating = $state(false);
  cancelled = $state(false);
  /** Milliseconds that the last attach took. */
  switchMs = $state<number | undefined>();
  error = $state<string | undefined>();
  readonly preparing = new Action();
  readonly fitting = $derived(this.adapters.filter((adapter) => adapter.modelId === this.modelId));
  readonly modelReady = $derived(this.modelId !== '' && this.resident?.modelId === this.modelId);
  #cancel: (() => void) | undefined;

  /** Lists what there is; `wanted` names a model, an adapter, or the run that made one. */
  async open(wanted: { model?: string | null; adapter?: string | null; run?: string | null }): Promise<void> {
    await this.preparing.run(async () => {
      [this.models, this.adapters, this.resident] = await Promise.all([api.models.list.query(), api.adapters.list.query(), api.playground.state.query()]);
    });
    const adapter = this.adapters.find((candidate) => candidate.id === wanted.adapter || (wanted.run && candidate.runId === wanted.run));
    const modelId = adapter?.modelId ?? wanted.model ?? this.resident?.modelId ?? this.models.at(-1)?.id;
    this.modelId = this.models.some((model) => model.id === modelId) ? (modelId ?? '') : '';
    this.adapterId = adapter?.id ?? (this.modelReady ? (this.resident?.adapterId ?? '') : '');
  }

  chooseModel(id: string): void {
    this.modelId = id;
    this.adapterId = '';
    this.switchMs = undefined;
  }

  /** With the base loaded, only A and B are replaced, at once. */
  async chooseAdapter(id: string): Promise<void> {
    this.adapterId = id;
    this.switchMs = undefined;
    if (this.modelReady) await this.preparing.run(() => this.#attach());
  }

  /** Loads and attaches what is not there yet, then streams. */
  async generate(): Promise<void> {
    this.text = '';
    this.result = undefined;
    this.cancelled = false;
    this.error = undefined;
    const ready = await this.preparing.run(async () => {
      if (!this.modelReady) this.resident = await api.playground.load.mutate({ modelId: this.modelId });
      if ((this.resident?.adapterId ?? '') !== this.adapterId) await this.#attach();
      return true;
    });
    if (ready) this.#stream();
  }

  cancel(): void {
    if (!this.generating) return;
    this.#cancel?.();
    this.cancelled = true;
    this.#ended();
  }

  async #attach(): Promise<void> {
    const { switchMs } = await api.playground.attach.mutate({ adapterId: this.adapterId || null });
    this.switchMs = switchMs;
    this.resident = await api.playground.state.query();
  }

  #stream(): void {
    this.generating = true;
    const handlers = {
      data: (event: GenerateEvent) => {
        if (event.type === 'text') this.text += event.text;
        else this.result = event.result;
      },
      failed: (sentence: string) => {
        this.error = sentence;
        this.#ended();
      },
      done: () => this.#ended(),
    };
    const { prompt, maxNew, temperature, topK, topP, seed } = this;
    const input = { prompt, maxNew, temperature, topK, topP, seed, stop: this.stop === '' ? undefined : [this.stop] };
    try {
      const subscription = api.playground.generate.subscribe(input, streamOptions(handlers, () => this.#cancel?.()));
      this.#cancel = () => subscription.unsubscribe();
    } catch (error) {
      handlers.failed(errorSentence(error));
    }
  }

  #ended(): void {
    this.generating = false;
    this.#cancel = undefined;
  }
}
