/** A session in the playground: what is asked, the answers as they come, and what of it is kept. */
import { api, type CompareEvent, type GenerateEvent, type HistoryEntry, type HistoryRequest } from '../../lib/api.ts';
import { failureOf, streamOptions, type Failure } from '../../lib/stream.ts';
import { Answer } from './answer.svelte.ts';
import { PlaygroundBase } from './base.svelte.ts';
import { Choices } from './choices.svelte.ts';
import { Comparison } from './comparison.svelte.ts';
import type { Exchange } from './exchange.ts';
import { PlaygroundHistory } from './history.svelte.ts';
import { MIX } from './mix.svelte.ts';
import { Sampling } from './sampling.svelte.ts';

export type Mode = HistoryRequest['mode'];

export class PlaygroundSession {
  readonly base = new PlaygroundBase();
  readonly sampling = new Sampling();
  readonly choices = new Choices();
  readonly comparison = new Comparison(this.base, this.choices);
  readonly history = new PlaygroundHistory();
  /** What the user has chosen; until then an adapter is asked as it was trained. */
  #chosenMode = $state<Mode | undefined>();
  readonly #template = $derived(
    (this.comparison.on ? this.comparison.chosen.find(({ kind }) => kind !== 'base') : this.base.subject)
      ?.promptTemplate ?? null,
  );
  /** A conversation can be held: by the model's template, or by the adapter's. */
  readonly canChat = $derived(this.base.hasTemplate === true || (this.#template !== null && this.#template !== 'none'));
  prompt = $state('');
  system = $state('');
  /** A chat has one per turn, everything else just the last. */
  exchanges = $state.raw<Exchange[]>([]);
  /** The exchanges are side by side. */
  compared = $state(false);
  generating = $state(false);
  failure = $state.raw<Failure | undefined>();
  readonly template = $derived(this.#template && this.#template !== 'none' ? this.#template : undefined);
  readonly busy = $derived(this.generating || this.base.preparing.busy);
  readonly last = $derived(this.exchanges.at(-1));
  readonly canAsk = $derived(
    this.base.modelId !== '' &&
      this.prompt.trim() !== '' &&
      !this.busy &&
      !(this.comparison.on && this.comparison.chosen.length < 2),
  );
  #end: (() => void) | undefined;
  #askedIn: Mode | undefined;
  /** The example that stands in the prompt. */
  #offered: string | undefined;
  /** Entry of the history that this conversation goes on in. */
  #entryId: string | undefined;

  get mode(): Mode {
    const usual = this.template ? 'chat' : 'completion';
    return this.canChat ? (this.#chosenMode ?? usual) : 'completion';
  }

  set mode(mode: Mode) {
    this.#chosenMode = mode;
  }

  /** Puts a question from the data of who answers where nothing has been typed or asked yet. */
  offerExample(): void {
    const { example } = this.base;
    const isFree = this.prompt === '' || this.prompt === this.#offered;
    if (example === undefined || !isFree || this.exchanges.length > 0) return;
    this.prompt = this.#offered = example;
  }

  /** Asks the prompt that has been typed. */
  async ask(): Promise<void> {
    if (!this.canAsk) return;
    const { prompt } = this;
    // An adapter may have been chosen meanwhile that is asked in the other mode.
    const goesOn = this.mode === 'chat' && this.#askedIn === 'chat' && !this.comparison.on && !this.compared;
    if ((await this.#start(prompt, goesOn ? this.exchanges : [])) && this.mode === 'chat') this.prompt = '';
  }

  /** Asks the last prompt again; a sampled answer comes out otherwise. */
  async again(): Promise<void> {
    if (this.last && !this.busy) await this.#start(this.last.prompt, this.exchanges.slice(0, -1));
  }

  /** Ends the answers where they are; they stay. */
  async stop(): Promise<void> {
    await api.playground.stop.mutate().catch((error: unknown) => (this.failure = failureOf(error)));
  }

  /** Begins anew; what was said stays in the history. */
  clear(): void {
    this.exchanges = [];
    this.compared = false;
    this.comparison.hidden = false;
    this.failure = undefined;
    this.#entryId = undefined;
    this.#askedIn = undefined;
  }

  close(): void {
    this.#end?.();
    this.base.close();
  }

  /**
   * Shows an entry of the history again, with its settings, its model and who answered, as far as they are still there.
   */
  async restore(entry: HistoryEntry): Promise<void> {
    if (this.busy) return;
    const { request, answers } = entry;
    const isThere = this.base.lists?.models.some(({ id }) => id === entry.modelId);
    // What is typed while the server is asked must stay, so all is shown at once.
    const chosen = isThere ? this.base.choose(entry.modelId ?? '') : undefined;
    this.clear();
    this.mode = request.mode;
    this.#askedIn = request.mode;
    this.system = request.system;
    this.sampling.restore(request.sampling);
    this.prompt = request.mode === 'chat' && !request.compare ? '' : (request.prompts.at(-1) ?? '');
    const shown = answers.map((answer) => Answer.of(answer));
    const { sampling } = request;
    this.compared = this.comparison.on = request.compare;
    this.comparison.blind = request.blind;
    this.exchanges = request.compare
      ? [{ ...this.#exchange(request.prompts[0] ?? '', [], request.mode), answers: shown, sampling }]
      : request.prompts.reduce<Exchange[]>((before, prompt, i) => {
          const exchange = this.#exchange(prompt, before, request.mode);
          return [...before, { ...exchange, answers: shown.slice(i, i + 1), sampling, mix: request.mix }];
        }, []);
    const known = shown.map(({ by }) => by).filter((key) => this.base.subjects.some((subject) => subject.key === key));
    if (request.compare) this.comparison.keys = known;
    else if (request.mix) this.#restoreMix(request.mix);
    else this.base.key = known.at(-1) ?? '';
    if (request.mode === 'chat' && !request.compare) this.#entryId = entry.id;
    if (request.compare) await this.comparison.loadScores();
    await chosen;
  }

  /** As far as both adapters are still there. */
  #restoreMix(mix: NonNullable<HistoryRequest['mix']>): void {
    this.base.mix.take(mix);
    this.base.key = this.base.mix.complete ? MIX : '';
  }

  async #start(prompt: string, before: readonly Exchange[]): Promise<boolean> {
    this.failure = undefined;
    const compared = this.comparison.on;
    // A comparison brings its own adapters: the base alone must be there.
    if (!(compared && this.base.ready) && !(await this.base.prepare())) return false;
    if (before.length === 0) this.#entryId = undefined;
    const subjects = compared ? this.comparison.lineUp() : [this.base.subject];
    const sampling = this.sampling.input();
    const mix = !compared && this.base.key === MIX ? { mix: this.base.mix.wanted } : {};
    const answers = subjects.map((subject) => new Answer(subject));
    const exchange: Exchange = { ...this.#exchange(prompt, before), answers, sampling, ...mix };
    this.exchanges = [...before, exchange];
    this.#askedIn = this.mode;
    this.compared = compared;
    this.generating = true;
    this.#stream(exchange);
    return true;
  }

  /** A prompt with the conversation before it, in a chat. */
  #exchange(prompt: string, before: readonly Exchange[], mode = this.mode): Pick<Exchange, 'prompt' | 'asked'> {
    if (mode === 'completion') return { prompt, asked: prompt };
    const system = this.system.trim() === '' ? [] : [{ role: 'system' as const, content: this.system }];
    const said = before.flatMap((one) => [
      { role: 'user' as const, content: one.prompt },
      { role: 'assistant' as const, content: one.answers[0]?.text ?? '' },
    ]);
    return { prompt, asked: [...system, ...said, { role: 'user', content: prompt }] };
  }

  #stream(exchange: Exchange): void {
    const { asked } = exchange;
    const prompt = typeof asked === 'string' ? { prompt: asked } : { prompt: '', messages: asked };
    const input = { ...prompt, ...exchange.sampling, probabilities: this.sampling.probabilities };
    const handlers = {
      data: (event: GenerateEvent | CompareEvent) => {
        const answer = exchange.answers['row' in event ? event.row : 0];
        if (event.type === 'text') answer?.add(event);
        else answer?.end(event.result);
      },
      failed: (_sentence: string, failure: Failure) => {
        this.failure = failure;
        void this.#over();
      },
      done: () => void this.#over(),
    };
    const options = streamOptions(handlers, () => this.#end?.());
    const adapterIds = exchange.answers.map(({ by }) => by || null);
    const subscription = this.compared
      ? api.playground.compare.subscribe({ ...input, adapterIds }, options)
      : api.playground.generate.subscribe(input, options);
    this.#end = () => subscription.unsubscribe();
  }

  async #over(): Promise<void> {
    this.generating = false;
    this.#end = undefined;
    await this.#keep();
  }

  /** A failed answer that has no text yet is not worth keeping. */
  async #keep(): Promise<void> {
    const answers = this.exchanges.flatMap((exchange) => exchange.answers.map((answer) => answer.kept()));
    if (this.exchanges.length === 0 || answers.every(({ text }) => text === '')) return;
    const request: HistoryRequest = {
      mode: this.mode,
      compare: this.compared,
      blind: this.compared && this.comparison.blind,
      system: this.system,
      ...(this.exchanges.at(-1)!.mix ? { mix: this.exchanges.at(-1)!.mix } : {}),
      prompts: this.exchanges.map(({ prompt }) => prompt),
      sampling: this.exchanges.at(-1)!.sampling,
    };
    const title = request.prompts[0] ?? '';
    const saved = await this.history.acting.run(() =>
      api.playground.history.save.mutate({
        ...(this.#entryId ? { id: this.#entryId } : {}),
        modelId: this.base.modelId,
        title,
        request,
        answers,
      }),
    );
    if (saved && this.mode === 'chat' && !this.compared) this.#entryId = saved.id;
    await this.history.list.load();
  }
}
