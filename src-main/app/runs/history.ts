/** What a run has left in the catalogue and in its folder: metrics, texts, log lines, kept states. */
import { z } from 'zod';
import { verdictOfChoices } from '../../../src-shared/choiceVerdict.ts';
import { verdictOf, withHeldOut, type RunVerdict } from '../../../src-shared/verdict.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Evaluation, Series } from '../../catalog/metrics.ts';
import type { LogLine, Sample } from '../../catalog/runHistory.ts';
import { keptStates, type KeptState } from '../../runfolder/keptStates.ts';
import type { StepMetrics } from '../../../src-shared/training.ts';
import { byId } from '../inputs.ts';
import type { RunService } from './service.ts';

export const metricsSchema = byId.extend({ afterStep: z.number().int().min(0).default(0) });

export const seriesSchema = metricsSchema.extend({
  afterEvaluation: z.number().int().min(-1).default(-1),
  maxPoints: z.number().int().min(1).max(200_000).default(20_000),
});

export const logSchema = byId.extend({ after: z.number().int().min(0).default(0) });

export class RunHistory {
  #catalog: Catalog;
  #runs: RunService;

  constructor(catalog: Catalog, runs: RunService) {
    this.#catalog = catalog;
    this.#runs = runs;
  }

  /** Metrics of the steps after `afterStep`, and all validation losses. */
  metrics({ id, afterStep }: z.output<typeof metricsSchema>): { steps: StepMetrics[]; evaluations: Evaluation[] } {
    this.#runs.require(id);
    const { metrics } = this.#catalog;
    return { steps: metrics.after(id, afterStep), evaluations: metrics.evaluations(id) };
  }

  /**
   * The same, column by column: at most `maxPoints` steps after `afterStep` (`more` says whether there are others),
   * and the validation losses after the step `afterEvaluation`. Asked again with the last step, it tells what is new.
   */
  series({ id, afterStep, afterEvaluation, maxPoints }: z.output<typeof seriesSchema>): Series {
    this.#runs.require(id);
    return this.#catalog.metrics.series(id, afterStep, afterEvaluation, maxPoints);
  }

  /** What the losses of a run that has ended say; null where there is too little to say anything. */
  verdict(id: string): RunVerdict | null {
    const { result, spec } = this.#runs.require(id);
    if (!result) return null;
    const { metrics } = this.#catalog;
    const { unchanged, skippedSteps, heldOut } = result;
    const evaluations = metrics.evaluations(id);
    const curves = { trainLosses: metrics.losses(id), evaluations };
    if (!spec.objective) return verdictOf({ ...curves, unchanged, skippedSteps, heldOut }) ?? null;
    const found = verdictOf({ ...curves, unchanged, skippedSteps });
    if (!found || unchanged) return found ?? null;
    const { preference: steps } = metrics.series(id, 0, -1, Number.MAX_SAFE_INTEGER);
    const scores = evaluations.flatMap(({ preference }) => preference ?? []);
    const judged = steps ? verdictOfChoices(found, { steps, evaluations: scores }) : found;
    return heldOut ? withHeldOut(judged, heldOut) : judged;
  }

  /** Greedy texts from the run's prompts, by step; `texts` in the order of `prompts`. */
  samples(id: string): { prompts: string[]; samples: Sample[] } {
    const { spec } = this.#runs.require(id);
    return { prompts: spec.train.samplePrompts ?? [], samples: this.#catalog.runHistory.samples(id) };
  }

  /** Lines after the one with the id `after`, oldest first. */
  log({ id, after }: z.output<typeof logSchema>): LogLine[] {
    this.#runs.require(id);
    return this.#catalog.runHistory.log(id, after);
  }

  /** Earlier states that are kept, rising by step. */
  keptStates(id: string): KeptState[] {
    return keptStates(this.#runs.require(id).spec.runDir);
  }
}
