/** Drafts of questions and answers, one after the other: what is shown, what the user makes of it, what is left. */
import {
  draftCounts,
  type Draft,
  type DraftSet,
  type DraftSource,
  type DraftState,
} from '../../../src-shared/drafts.ts';
import { Action } from '../../lib/action.svelte.ts';
import { api, type Dataset } from '../../lib/api.ts';
import { streamOptions } from '../../lib/stream.ts';

/** `drafted`: those that wait for the user. */
export type Shown = 'drafted' | 'accepted' | 'rejected' | 'all';

export class QuestionReview {
  readonly id: string;
  set = $state.raw<DraftSet | undefined>();
  /** Why the set cannot be followed any more. */
  failure = $state<string | undefined>();
  shown = $state<Shown>('drafted');
  /** Number of the text that is shown. */
  index = $state<number | undefined>();
  row = $state.raw<(Draft & DraftSource) | undefined>();
  question = $state('');
  answer = $state('');
  readonly acting = new Action();
  readonly counts = $derived(draftCounts(this.set?.states ?? []));
  #end: () => void = () => undefined;

  constructor(id: string) {
    this.id = id;
  }

  watch(): void {
    this.failure = undefined;
    const subscription = api.drafts.watch.subscribe(
      { id: this.id },
      streamOptions<DraftSet>(
        {
          data: (set) => void this.#take(set),
          failed: (sentence) => (this.failure = sentence),
          done: () => undefined,
        },
        () => subscription.unsubscribe(),
      ),
    );
    this.#end = () => subscription.unsubscribe();
  }

  stop(): void {
    this.#end();
  }

  async #take(set: DraftSet): Promise<void> {
    this.set = set;
    // The next one may just have been written.
    if (this.index === undefined) await this.show(this.#nextFrom(0));
  }

  choose(shown: Shown): void {
    this.shown = shown;
    void this.go(() => this.#nextFrom(0));
  }

  next(): Promise<void> {
    return this.go(() => this.#nextFrom((this.index ?? -1) + 1) ?? this.index);
  }

  previous(): Promise<void> {
    return this.go(() => {
      const before = (this.set?.states ?? []).slice(0, this.index ?? 0);
      const found = before.findLastIndex((state) => this.#fits(state));
      return found < 0 ? this.index : found;
    });
  }

  /** What was edited is kept before another is shown. */
  async go(where: () => number | undefined): Promise<void> {
    if (this.#isEdited && this.row && !(await this.#change(this.row.state === 'rejected' ? 'rejected' : 'drafted')))
      return;
    await this.show(where());
  }

  async show(index: number | undefined): Promise<void> {
    this.index = index;
    this.row = undefined;
    if (index === undefined) return;
    const row = await this.acting.run(() => api.drafts.row.query({ id: this.id, index }));
    // Another one is shown meanwhile.
    if (!row || this.index !== index) return;
    this.row = row;
    this.question = row.question;
    this.answer = row.answer;
  }

  async decide(state: 'accepted' | 'rejected'): Promise<void> {
    if (!this.row || this.acting.busy || !(await this.#change(state))) return;
    await this.show(this.#nextFrom((this.index ?? -1) + 1) ?? this.#nextFrom(0));
  }

  async finish(): Promise<Dataset | undefined> {
    return this.acting.run(() => api.drafts.finish.mutate({ id: this.id }));
  }

  goOn(): Promise<unknown> {
    return this.acting.run(async () => (this.set = await api.drafts.goOn.mutate({ id: this.id })));
  }

  pause(): Promise<unknown> {
    return this.acting.run(async () => (this.set = await api.drafts.stop.mutate({ id: this.id })));
  }

  get #isEdited(): boolean {
    return this.row !== undefined && (this.question !== this.row.question || this.answer !== this.row.answer);
  }

  async #change(state: Exclude<DraftState, 'waiting'>): Promise<boolean> {
    const { id, index, question, answer } = this;
    if (index === undefined) return false;
    const set = await this.acting.run(() => api.drafts.change.mutate({ id, index, state, question, answer }));
    if (set) this.set = set;
    return set !== undefined;
  }

  #nextFrom(start: number): number | undefined {
    const found = (this.set?.states ?? []).findIndex((state, i) => i >= start && this.#fits(state));
    return found < 0 ? undefined : found;
  }

  #fits(state: DraftState): boolean {
    return this.shown === 'all' ? state !== 'waiting' : state === this.shown;
  }
}
