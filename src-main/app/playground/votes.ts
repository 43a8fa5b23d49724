/** The score of blind comparisons, per base model. */
import type { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Outcome, Score } from '../../catalog/playground.ts';
import type { AdapterService } from '../adapters/service.ts';
import type { ChoiceService } from '../choices/service.ts';
import type { ModelService } from '../models/service.ts';
import type { voteSchema } from './inputs.ts';

export class PlaygroundVotes {
  #catalog: Catalog;
  #models: ModelService;
  #adapters: AdapterService;
  #choices: ChoiceService;

  constructor(parts: { catalog: Catalog; models: ModelService; adapters: AdapterService; choices: ChoiceService }) {
    this.#catalog = parts.catalog;
    this.#models = parts.models;
    this.#adapters = parts.adapters;
    this.#choices = parts.choices;
  }

  scores(modelId: string): Score[] {
    return this.#catalog.playground.votes.scores(modelId);
  }

  /** Everyone ties, or one wins, whose answer is chosen, and the others lose; returns the new score. */
  cast({ modelId, adapterIds, best, asked }: z.output<typeof voteSchema>): Score[] {
    this.#models.require(modelId);
    for (const id of adapterIds) if (id !== null) this.#adapters.require(id);
    const outcome = (place: number): Outcome => (best === null ? 'tied' : place === best ? 'won' : 'lost');
    const votes = adapterIds.map((adapterId, place) => ({ adapterId, outcome: outcome(place) }));
    this.#catalog.playground.votes.cast(modelId, votes, new Date().toISOString());
    if (asked && best !== null) this.#choices.vote(asked.prompt, asked.answers, best);
    return this.scores(modelId);
  }

  reset(modelId: string): Score[] {
    this.#catalog.playground.votes.reset(modelId);
    return this.scores(modelId);
  }
}
