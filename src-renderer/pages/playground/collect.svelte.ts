/**
 * Choices prompt after prompt: prompts of a dataset, two answers to each, and which of them is the better one. While
 * one pair is read, the next is generated.
 */
import type { ChoicePrompt } from '../../../src-shared/choices.ts';
import { api, type CompareEvent, type Dataset, type GenerateEvent } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';
import { streamOptions, type Failure } from '../../lib/stream.ts';
import { PlaygroundBase } from './base.svelte.ts';
import { Choices } from './choices.svelte.ts';
import { Sampling } from './sampling.svelte.ts';

/** An answer, and who gave it; null: the plain base. */
interface Side {
  by: string | null;
  text: string;
}

interface Pair {
  /** Place of its prompt. */
  at: number;
  prompt: ChoicePrompt;
  sides: [left: Side, right: Side];
}

/** Left, right, neither of both, or not said. */
export type Verdict = 0 | 1 | 'neither' | 'skip';

const STOPPED: Failure = { code: 'BUSY', message: 'The answers were stopped elsewhere in Graft.', details: {} };
/** So often two answers are asked for before they count as always the same. */
const TRIES = 4;
const PROMPTS = 20;
const TEMPERATURE = 0.8;

export class Collecting {
  readonly base = new PlaygroundBase();
  readonly choices = new Choices();
  readonly sampling = new Sampling();
  datasets = $state.raw<Dataset[] | undefined>();
  datasetId = $state('');
  /** Prompts that are drawn, and by which seed. */
  count = $state<number | undefined>(PROMPTS);
  seed = $state<number | undefined>(0);
  /** Who gives the other answer; undefined: the same one. */
  otherKey = $state<string | undefined>();
  prompts = $state.raw<ChoicePrompt[]>([]);
  /** Prompts that were passed over since they have a choice already. */
  decided = $state(0);
  pair = $state.raw<Pair | undefined>();
  /** Pairs of which one was chosen here, and prompts whose answers were the same again and again. */
  chosen = $state(0);
  alike = $state(0);
  /** Why no more answers come. */
  failure = $state.raw<Failure | undefined>();
  readonly opening = new Action();
  readonly starting = new Action();
  readonly keeping = new Action();
  started = $state(false);
  /** Who can answer: a half-trained adapter cannot beside another. */
  readonly subjects = $derived(this.base.subjects.filter(({ kind }) => kind !== 'run'));
  readonly other = $derived(this.subjects.find(({ key }) => key === this.otherKey && key !== this.base.key));
  readonly canStart = $derived(
    this.base.modelId !== '' && this.datasetId !== '' && !this.starting.busy && !this.base.preparing.busy,
  );
  /** Prompts are put as a turn of the user: as whoever answers was trained, or by the model's template. */
  readonly #inTurns = $derived.by(() => {
    const trained = [this.base.subject, this.other].find((one) => one && one.kind !== 'base')?.promptTemplate;
    return trained ? trained !== 'none' : this.base.hasTemplate === true;
  });
  /** Place of the prompt that is generated next. */
  #next = $state(0);
  readonly over = $derived(
    this.started && this.pair === undefined && !this.failure && this.#next >= this.prompts.length,
  );
  #ahead: Promise<Pair | undefined> = Promise.resolve(undefined);
  /** Counts starts and ends: what an older round still answers is dropped. */
  #round = 0;
  #end: (() => void) | undefined;
  /** A round was left while answers were being written. */
  #brokenOff = false;

  constructor() {
    this.sampling.temperature = TEMPERATURE;
    this.sampling.probabilities = false;
  }

  async open(datasetId: string): Promise<void> {
    const datasets = await this.opening.run(() => api.datasets.list.query());
    if (!datasets) return;
    await this.choices.counts.load();
    const made = Object.values(this.choices.counts.data?.datasets ?? {}).map((one) => one?.id);
    const usual = datasets.findLast(({ id }) => !made.includes(id)) ?? datasets.at(-1);
    this.datasets = datasets;
    this.datasetId = datasets.find(({ id }) => id === datasetId)?.id ?? usual?.id ?? '';
    await this.base.open({});
    // A paused run may be attached, or a mix.
    if (!this.subjects.some(({ key }) => key === this.base.key)) this.base.key = '';
  }

  /** Draws prompts and shows the first pair; loads the model where it is not there. */
  async start(): Promise<void> {
    if (!this.canStart) return;
    const { datasetId, count = PROMPTS, seed = 0 } = this;
    const drawn = await this.starting.run(async () => {
      const found = await api.choices.prompts.query({ datasetId, count, seed });
      // There is one text at a time, and a request that was sent just before leaving may overtake what stopped it.
      if (this.#brokenOff) await api.playground.stop.mutate();
      this.#brokenOff = false;
      return found;
    });
    if (!drawn) return;
    this.prompts = drawn.prompts;
    this.decided = drawn.decided;
    this.chosen = this.alike = this.#next = 0;
    this.started = true;
    await this.goOn();
  }

  /** Generates from the prompt on that is next, also after a failure. */
  async goOn(): Promise<void> {
    this.failure = undefined;
    this.#ahead = this.#made(++this.#round);
    if (!this.pair) await this.#advance();
  }

  /** Back to the settings; what was chosen is kept. */
  leave(): void {
    this.#round++;
    // Unsubscribing may count as the end of the answers, which forgets `#end`.
    if (this.#end) this.#brokenOff = true;
    this.#end?.();
    this.#end = undefined;
    this.started = false;
    this.pair = undefined;
    this.failure = undefined;
  }

  close(): void {
    this.leave();
    this.base.close();
  }

  /** Keeps what was said of the pair that is shown, then shows the next. */
  async say(verdict: Verdict): Promise<void> {
    const { pair } = this;
    if (!pair || this.keeping.busy) return;
    if (!(await this.keeping.run(() => this.#keep(pair, verdict)))) return;
    await this.#advance();
  }

  async #keep({ prompt, sides }: Pair, verdict: Verdict): Promise<true> {
    const best = verdict === 'neither' ? null : verdict;
    if (best === 'skip') return true;
    const answers = sides.map(({ text }) => text);
    const adapterIds = sides.map(({ by }) => by);
    // Two who answer blind are compared, so that the playground's score hears of it.
    if (adapterIds[0] !== adapterIds[1]) {
      const { modelId } = this.base;
      await api.playground.votes.cast.mutate({ modelId, adapterIds, best, asked: { prompt, answers } });
      await this.choices.counts.load();
    } else if (best !== null) this.choices.counts.data = await api.choices.vote.mutate({ prompt, answers, best });
    if (best !== null) this.chosen++;
    return true;
  }

  async #advance(): Promise<void> {
    const round = this.#round;
    this.pair = undefined;
    const pair = await this.#ahead;
    if (round !== this.#round) return;
    this.pair = pair;
    if (pair) this.#ahead = this.#made(round);
  }

  /** The next pair; undefined at the end, and where it failed. */
  async #made(round: number): Promise<Pair | undefined> {
    // The two who are compared bring their adapters: the base alone must be there.
    if (!(this.other && this.base.ready) && !(await this.base.prepare())) {
      if (round === this.#round) this.failure = this.base.preparing.failure;
      return undefined;
    }
    while (round === this.#round && this.#next < this.prompts.length) {
      const at = this.#next;
      const asked = this.prompts[at]!;
      const sides = await this.#differing(asked, round);
      if (round !== this.#round || this.failure) return undefined;
      this.#next = at + 1;
      // What is kept is what the model saw, so that a run shows it the same.
      const isTurn = typeof asked === 'string' && this.#inTurns;
      const prompt: ChoicePrompt = isTurn ? [{ role: 'user', content: asked }] : asked;
      if (sides) return { at, prompt, sides: Math.random() < 0.5 ? sides : [sides[1], sides[0]] };
      this.alike++;
    }
    return undefined;
  }

  /** Two answers that say something, and not the same; undefined where none come. */
  async #differing(prompt: ChoicePrompt, round: number): Promise<Pair['sides'] | undefined> {
    const by = this.base.key || null;
    for (let i = 0; i < TRIES && round === this.#round && !this.failure; i++) {
      const [first = '', second = ''] = this.other
        ? await this.#answers(prompt, [by, this.other.key || null])
        : [...(await this.#answers(prompt)), ...(await this.#answers(prompt))];
      const differ = first.trim() !== second.trim() && first.trim() !== '' && second.trim() !== '';
      if (differ)
        return [
          { by, text: first },
          { by: this.other ? this.other.key || null : by, text: second },
        ];
    }
    return undefined;
  }

  /** By who is attached, or by each of these; each time with another seed. */
  #answers(prompt: ChoicePrompt, adapterIds?: (string | null)[]): Promise<string[]> {
    const asked =
      typeof prompt === 'string' ? { prompt, asTrained: true, chat: this.#inTurns } : { prompt: '', messages: prompt };
    const input = { ...asked, ...this.sampling.input() };
    return new Promise((resolve) => {
      const texts: string[] = [];
      const end = (found: string[], failure?: Failure): void => {
        this.#end = undefined;
        this.failure = failure;
        resolve(found);
      };
      const handlers = {
        data: (event: GenerateEvent | CompareEvent) => {
          if (event.type === 'text') return;
          if (event.result.stopReason === 'cancelled') end([], STOPPED);
          else texts['row' in event ? event.row : 0] = event.result.text;
        },
        failed: (_sentence: string, failure: Failure) => end([], failure),
        done: () => end(texts, this.failure),
      };
      const options = streamOptions(handlers, () => this.#end?.());
      const subscription = adapterIds
        ? api.playground.compare.subscribe({ ...input, adapterIds }, options)
        : api.playground.generate.subscribe(input, options);
      this.#end = () => subscription.unsubscribe();
    });
  }
}
