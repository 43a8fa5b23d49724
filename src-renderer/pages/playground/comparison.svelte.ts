/** Who is compared side by side, whether their names are hidden, the vote, and the score so far. */
import { api, type Score } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';
import type { PlaygroundBase } from './base.svelte.ts';
import type { Choices } from './choices.svelte.ts';
import type { Exchange } from './exchange.ts';
import type { Subject } from './subjects.ts';

/** As many as fit beside each other. */
export const MOST = 4;

export class Comparison {
  on = $state(false);
  blind = $state(false);
  /** Keys of who takes part, in the order in which they were chosen. */
  keys = $state.raw<string[]>([]);
  /** The last comparison was asked for blind, and its names are still hidden. */
  hidden = $state(false);
  /** Index of the answer that was voted best; null: a tie; undefined: no vote yet. */
  vote = $state<number | null | undefined>();
  scores = $state.raw<Score[]>([]);
  readonly voting = new Action();
  readonly chosen = $derived(this.keys.flatMap((key) => this.#base.subjects.filter((subject) => subject.key === key)));
  #base: PlaygroundBase;
  #choices: Choices;

  constructor(base: PlaygroundBase, choices: Choices) {
    this.#base = base;
    this.#choices = choices;
  }

  /** With nobody chosen yet: the base and the active adapters. */
  start(): void {
    if (this.chosen.length < 2)
      this.keys = this.#base.row
        .filter(({ kind }) => kind !== 'run')
        .slice(0, MOST)
        .map(({ key }) => key);
    void this.loadScores();
  }

  toggle(key: string): void {
    if (this.keys.includes(key)) this.keys = this.keys.filter((one) => one !== key);
    else if (this.keys.length < MOST) this.keys = [...this.keys, key];
  }

  /** Who answers, from left to right: shuffled where nobody shall know. */
  lineUp(): Subject[] {
    this.vote = undefined;
    this.hidden = this.blind;
    return this.blind ? shuffled(this.chosen) : [...this.chosen];
  }

  async castVote(best: number | null, { asked: prompt, answers }: Pick<Exchange, 'asked' | 'answers'>): Promise<void> {
    const adapterIds = answers.map(({ by }) => by || null);
    const asked = { prompt, answers: answers.map(({ text }) => text) };
    const scores = await this.voting.run(() =>
      api.playground.votes.cast.mutate({ modelId: this.#base.modelId, adapterIds, best, asked }),
    );
    if (!scores) return;
    this.scores = scores;
    this.vote = best;
    this.hidden = false;
    await this.#choices.counts.load();
  }

  async loadScores(): Promise<void> {
    const { modelId } = this.#base;
    if (modelId === '') return;
    await this.voting.run(async () => (this.scores = await api.playground.votes.scores.query({ modelId })));
  }

  async reset(): Promise<void> {
    await this.voting.run(
      async () => (this.scores = await api.playground.votes.reset.mutate({ modelId: this.#base.modelId })),
    );
  }
}

/** Fisher and Yates. */
function shuffled<T>(list: readonly T[]): T[] {
  const mixed = [...list];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
  }
  return mixed;
}
