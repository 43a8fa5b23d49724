/** What the run that is set up learns from its rows: what was chosen, where they are fit for it. */
import type { RowShape } from '../../../src-shared/datasets.ts';
import type { Objective } from '../../../src-shared/objectives.ts';
import type { Draft } from './draft.ts';
import { objectiveFor, objectiveProblem, objectiveRequest, type ObjectiveChoice } from './objectiveForm.ts';

export class ChosenObjective {
  /** What the rows of the chosen version are, once the first of them are read. */
  shape = $state.raw<RowShape | undefined>();
  #source: { readonly draft: Draft };

  readonly choice: ObjectiveChoice = $derived.by(() => objectiveFor(this.#source.draft.objective, this.shape));
  readonly isSupervised = $derived(this.choice === 'supervised');
  /** Texts with labels are told apart; beside an objective that means nothing. */
  readonly classifies = $derived.by(() => this.isSupervised && this.#source.draft.classify);
  readonly problem = $derived.by(() => objectiveProblem(this.choice, this.#source.draft.objectiveSettings));

  constructor(source: { readonly draft: Draft }) {
    this.#source = source;
  }

  /** With its own defaults: settings of one name have another meaning elsewhere. */
  choose(choice: ObjectiveChoice): void {
    Object.assign(this.#source.draft, { objective: choice, objectiveSettings: {} });
  }

  /** Undefined: supervised. */
  request(): Objective | undefined {
    return objectiveRequest(this.choice, this.#source.draft.objectiveSettings);
  }
}
