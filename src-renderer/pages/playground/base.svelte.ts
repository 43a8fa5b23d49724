/** The base model of the playground: which one is wanted, what the process holds, and who answers on it. */
import {
  api,
  type AdapterView,
  type RegisteredModel,
  type BackendName,
  type PlaygroundState,
  type RunView,
  type TaskView,
} from '../../lib/api.ts';
import { streamOptions, type Failure } from '../../lib/stream.ts';
import { Action } from '../../lib/action.svelte.ts';
import { rememberLoad } from '../../lib/tasks/loadTimes.ts';
import { AdapterMix, MIX } from './mix.svelte.ts';
import { BASE, elsewhereOf, subjectsOf, switchRow, type Subject } from './subjects.ts';

/** What the address of the page asks for. */
export interface Wanted {
  model?: string | null;
  adapter?: string | null;
  run?: string | null;
  task?: string | null;
}

interface Lists {
  models: RegisteredModel[];
  adapters: AdapterView[];
  tasks: TaskView[];
  runs: RunView[];
}

export class PlaygroundBase {
  lists = $state.raw<Lists | undefined>();
  resident = $state.raw<PlaygroundState | undefined>();
  modelId = $state('');
  engine = $state<'auto' | BackendName>('auto');
  /** Key of who shall answer; empty: the plain base. */
  key = $state('');
  /** Whether the wanted model has a template for conversations; undefined while that is not known. */
  hasTemplate = $state<boolean | undefined>();
  /** Milliseconds of the last switch, and to whom. */
  switched = $state.raw<{ ms: number; name: string } | undefined>();
  /** What the address of the page asked for, and is not there (any more). */
  missing = $state<'adapter' | 'run' | 'task' | 'model' | undefined>();
  /** The page does not hear of the process any more. */
  unheard = $state.raw<Failure | undefined>();
  readonly opening = new Action();
  /** Loading and switching. */
  readonly preparing = new Action();
  readonly model = $derived(this.lists?.models.find(({ id }) => id === this.modelId));
  readonly subjects = $derived(this.lists ? subjectsOf(this.model, this.lists.adapters, this.lists.runs) : []);
  /** Adapters of other bases. */
  readonly elsewhere = $derived(this.lists ? elsewhereOf(this.model, this.lists.models, this.lists.adapters) : []);
  readonly row = $derived(this.lists ? switchRow(this.subjects, this.lists.tasks) : []);
  readonly mix = new AdapterMix(() => this.subjects);
  readonly subject = $derived(this.#subjectOf(this.key));
  /** A question from the data that the chosen adapter was trained on. */
  readonly example = $derived.by(() => {
    const runId = this.lists?.adapters.find(({ id }) => id === this.key)?.runId ?? this.key;
    return this.lists?.runs.find(({ id }) => id === runId)?.spec.train.samplePrompts[0];
  });
  /** Who is attached; undefined: someone this page does not know, or nothing is loaded. */
  readonly attachedKey = $derived(this.#attached());
  readonly ready = $derived(
    this.modelId !== '' &&
      (this.resident?.modelId === this.modelId ||
        (this.attachedKey !== undefined && this.attachedKey === this.key && this.key !== '')),
  );
  #stopWatching: (() => void) | undefined;

  /** Lists what there is and chooses what is wanted; with its base loaded an adapter is attached at once. */
  async open(wanted: Wanted): Promise<void> {
    await this.opening.run(async () => {
      const [models, adapters, tasks, runs, resident] = await Promise.all([
        api.models.list.query(),
        api.adapters.list.query(),
        api.tasks.list.query(),
        api.runs.list.query(),
        api.playground.state.query(),
      ]);
      this.lists = { models, adapters, tasks, runs };
      this.resident = resident;
    });
    if (!this.lists) return;
    this.watch();
    const { models, adapters, tasks, runs } = this.lists;
    const adapterId = wanted.adapter ?? tasks.find(({ id }) => id === wanted.task)?.activeAdapterId;
    const adapter = adapters.find((one) => one.id === adapterId || (wanted.run && one.runId === wanted.run));
    const run = adapter
      ? undefined
      : runs.find(({ id, interimAdapterDir }) => id === wanted.run && interimAdapterDir !== null);
    const base =
      models.find((model) => model.id === adapter?.modelId || model.hash === adapter?.baseHash) ??
      models.find(({ id }) => id === (run?.modelId ?? wanted.model ?? this.resident?.modelId));
    // All is chosen before anything is waited for: the page is there by now, and a click must not be overruled.
    const chosen = this.choose((base ?? models.at(-1))?.id ?? '');
    const found = {
      adapter: adapter?.id === wanted.adapter,
      run: adapter ?? run,
      task: adapter,
      model: base?.id === wanted.model,
    };
    this.missing = (['adapter', 'run', 'task', 'model'] as const).find((kind) => wanted[kind] && !found[kind]);
    const key = adapter?.id ?? run?.id;
    if (this.resident?.mix && this.resident.modelId === this.modelId) this.mix.take(this.resident.mix);
    if (key === undefined) this.key = this.ready ? (this.attachedKey ?? '') : '';
    else if (this.resident?.modelId === this.modelId) await this.switchTo(key);
    else this.key = key;
    await chosen;
  }

  /** Follows the process that holds the model, also when another window acts on it. */
  watch(): void {
    this.close();
    this.unheard = undefined;
    const handlers = {
      data: (state: PlaygroundState) => (this.resident = state),
      failed: (_sentence: string, failure: Failure) => (this.unheard = failure),
      done: () => undefined,
    };
    const subscription = api.playground.watch.subscribe(
      undefined,
      streamOptions(handlers, () => this.close()),
    );
    this.#stopWatching = () => subscription.unsubscribe();
  }

  close(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  async choose(modelId: string): Promise<void> {
    if (modelId !== this.modelId) this.key = '';
    this.modelId = modelId;
    this.missing = undefined;
    this.switched = undefined;
    this.hasTemplate = undefined;
    if (modelId === '') return;
    const { template } = await api.playground.chat.query({ modelId }).catch(() => ({ template: false }));
    if (this.modelId === modelId) this.hasTemplate = template;
  }

  async load(): Promise<boolean> {
    const { modelId, engine } = this;
    this.missing = undefined;
    return (await this.preparing.run(() => this.#load(modelId, engine))) !== undefined;
  }

  async unload(): Promise<void> {
    await this.preparing.run(async () => (this.resident = await api.playground.unload.mutate()));
    this.switched = undefined;
  }

  /**
   * Loads the base if it is not there, also that of an adapter made for another one, then puts the adapter on it; a
   * text under way is stopped by that.
   */
  async switchTo(key: string): Promise<boolean> {
    const other = this.elsewhere.find((one) => one.key === key)?.base;
    if (other) await this.choose(other.id);
    this.key = key;
    this.missing = undefined;
    this.switched = undefined;
    return (
      (await this.preparing.run(async () => {
        if (this.resident?.modelId !== this.modelId && this.subject.kind !== 'run')
          await this.#load(this.modelId, this.engine);
        await this.#attach(key);
        return true;
      })) ?? false
    );
  }

  /** Mixes the adapter that answers with another one, or the last two again. */
  async startMix(): Promise<void> {
    this.mix.start(this.key);
    this.key = MIX;
    await this.applyMix();
  }

  /** At once on a base that is loaded; else with the first prompt. */
  async applyMix(): Promise<void> {
    if (this.mix.complete && this.resident?.modelId === this.modelId) await this.switchTo(MIX);
  }

  /** Loads and attaches what is not there yet. */
  async prepare(): Promise<boolean> {
    if (this.ready && this.attachedKey === this.key) return true;
    return this.switchTo(this.key);
  }

  async #load(modelId: string, engine: 'auto' | BackendName): Promise<PlaygroundState> {
    const state = await api.playground.load.mutate({ modelId, engine });
    if (state.load) rememberLoad(modelId, state.load.loadMs);
    return (this.resident = state);
  }

  async #attach(key: string): Promise<void> {
    const subject = this.#subjectOf(key);
    const { switchMs } = await this.#put(subject);
    this.resident = await api.playground.state.query();
    this.switched = { ms: switchMs, name: this.row.find((one) => one.key === key)?.name ?? subject.name };
  }

  #put({ key, kind }: Subject): Promise<{ switchMs: number }> {
    if (key === MIX) return api.playground.mix.mutate(this.mix.wanted);
    if (kind === 'run') return api.playground.attachRun.mutate({ runId: key });
    return api.playground.attach.mutate({ adapterId: key || null });
  }

  #subjectOf(key: string): Subject {
    return key === MIX ? this.mix.subject : (this.subjects.find((one) => one.key === key) ?? BASE);
  }

  #attached(): string | undefined {
    if (!this.resident?.modelDir) return undefined;
    if (this.resident.mix) return this.mix.isLike(this.resident.mix) ? MIX : undefined;
    const { adapterId, adapterDir, modelDir } = this.resident;
    if (adapterId !== null) return adapterId;
    const run = this.lists?.runs.find(
      ({ interimAdapterDir }) =>
        interimAdapterDir !== null && (interimAdapterDir === adapterDir || interimAdapterDir === modelDir),
    );
    return run?.id ?? (adapterDir === null ? '' : undefined);
  }
}
