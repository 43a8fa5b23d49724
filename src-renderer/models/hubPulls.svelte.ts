/** Downloads from Hugging Face: what is asked for, what is known of it, and those under way or not done. */
import { SvelteMap } from 'svelte/reactivity';
import type { PullEvent, PullPlan, PullProgress, PullView } from '../../src-shared/pulls.ts';
import { api } from '../lib/api.ts';
import { Action } from '../lib/action.svelte.ts';
import { Resource } from '../lib/resource.svelte.ts';
import { streamOptions } from '../lib/stream.ts';

export class HubPulls {
  source = $state('');
  /** What the source last looked at is; undefined before, and when the text has changed since. */
  plan = $state.raw<PullPlan | undefined>();
  views = $state.raw<PullView[]>([]);
  readonly progress = new SvelteMap<string, PullProgress>();
  readonly planning = new Action();
  readonly starting = new Action();
  readonly changing = new Action();
  readonly keeping = new Action();
  /** Why one under way cannot be watched. */
  watchError = $state<string | undefined>();
  readonly list = new Resource(async () => {
    this.views = await api.pulls.list.query();
    for (const { id, status } of this.views) if (status === 'running') this.#watch(id);
    return this.views;
  });
  #ends: Record<string, () => void> = {};
  #onAdded: () => void;

  /** `onAdded`: a model has come into the catalogue. */
  constructor(onAdded: () => void) {
    this.#onAdded = onAdded;
  }

  /** Asks the hub what a source is; nothing is fetched. */
  async look(source = this.source): Promise<void> {
    this.source = source;
    this.forgetPlan();
    this.plan = await this.planning.run(() => api.pulls.plan.query({ source }));
  }

  forgetPlan(): void {
    this.plan = undefined;
    this.planning.failure = undefined;
    this.starting.failure = undefined;
  }

  /** Starts, or goes on with, a source. */
  async start(source = this.source): Promise<void> {
    const view = await this.starting.run(() => api.pulls.start.mutate({ source }));
    if (!view) return;
    if (source === this.source) {
      this.source = '';
      this.plan = undefined;
    }
    this.progress.delete(view.id);
    this.#put(view);
    this.#watch(view.id);
  }

  async cancel(id: string): Promise<void> {
    const view = await this.changing.run(() => api.pulls.cancel.mutate({ id }));
    if (view) this.#put(view);
  }

  async discard(id: string): Promise<void> {
    if (await this.changing.run(() => api.pulls.discard.mutate({ id })))
      this.views = this.views.filter((view) => view.id !== id);
  }

  /** Where the token is kept now; undefined where it was refused. */
  async keepToken(token: string): Promise<string | undefined> {
    const kept = await this.keeping.run(() => api.pulls.keepToken.mutate({ token }));
    return kept?.place;
  }

  close(): void {
    for (const end of Object.values(this.#ends)) end();
    this.#ends = {};
  }

  #watch(id: string): void {
    if (this.#ends[id]) return;
    const end = () => {
      this.#ends[id]?.();
      delete this.#ends[id];
    };
    const handlers = {
      data: (event: PullEvent) => {
        if (event.type === 'progress') this.progress.set(id, event);
        else this.#put(event.pull);
      },
      failed: (sentence: string) => (this.watchError = sentence),
      done: () => void delete this.#ends[id],
    };
    const subscription = api.pulls.watch.subscribe({ id }, streamOptions(handlers, end));
    this.#ends[id] = () => subscription.unsubscribe();
  }

  #put(view: PullView): void {
    const before = this.views.find(({ id }) => id === view.id);
    this.views = before ? this.views.map((other) => (other.id === view.id ? view : other)) : [view, ...this.views];
    if (view.modelId !== null && before?.modelId !== view.modelId) this.#onAdded();
  }
}
