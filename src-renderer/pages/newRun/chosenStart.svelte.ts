/** What the run that is set up begins with: the base as it is, or an adapter of this base, in place of a method. */
import type { AdapterView, ModelView } from '../../lib/api.ts';
import type { Draft } from './draft.ts';

interface Source {
  readonly draft: Draft;
  readonly model: ModelView | undefined;
}

export class ChosenStart {
  /** Of all bases, once they are known. */
  known = $state.raw<AdapterView[]>([]);
  #source: Source;

  readonly choices = $derived.by(() => this.known.filter(({ baseHash }) => baseHash === this.#source.model?.hash));
  /** Undefined: the base. */
  readonly adapter = $derived.by(() => this.choices.find(({ id }) => id === this.#source.draft.startsFrom));
  readonly problem = $derived.by(() =>
    this.#source.draft.startsFrom === '' || this.adapter
      ? undefined
      : 'The adapter that it is to begin with is not there any more; choose another, or the base.',
  );

  constructor(source: Source) {
    this.#source = source;
  }
}
