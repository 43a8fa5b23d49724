/**
 * Form, batch, recomputation and length of the run that is set up: as the draft has them, or as Graft has chosen them
 * so that it fits.
 */
import { fitted } from '../../../src-shared/fit.ts';
import { FIT_PARTS, type FitRow } from '../../../src-shared/plan.ts';
import type { StartRun } from '../../lib/api.ts';
import type { Draft } from './draft.ts';
import { enteredFit, enterFit, settingsOf, type EnteredFit, type FitChoice } from './fitChoice.ts';

export class FittedSettings {
  /** What Graft has chosen over the draft's. */
  choice = $state.raw<FitChoice | undefined>();
  #source: { readonly draft: Draft };

  /** As the run would have them. */
  readonly settings: EnteredFit = $derived.by(() => ({
    ...enteredFit(this.#source.draft),
    ...(this.choice && settingsOf(this.choice)),
  }));

  constructor(source: { readonly draft: Draft }) {
    this.#source = source;
  }

  /**
   * What the user sets stays from then on. Batch and accumulation go together: with the one, the other is kept as it is
   * shown.
   */
  set(changes: Partial<EnteredFit>): void {
    const { draft } = this.#source;
    const { batch, accumulate } = this.settings;
    const both = 'batch' in changes || 'accumulate' in changes ? { batch, accumulate } : {};
    const all = { ...both, ...changes };
    enterFit(draft, all);
    if ('batch' in all) draft.preset = 'custom';
    // The other settings stay as they are shown until the plan has an answer.
    if (this.choice) this.choice = { ...this.choice, chosen: { ...this.choice.chosen, ...all } as FitRow };
  }

  /** Drops what Graft has chosen, and lets it choose nothing more. */
  keepOwn(): void {
    this.choice = undefined;
    this.#source.draft.byHand = [...FIT_PARTS];
  }

  /** The run as it is started. */
  appliedTo(asked: StartRun): StartRun {
    return this.choice ? fitted(asked, this.choice.asked, this.choice.chosen) : asked;
  }
}
