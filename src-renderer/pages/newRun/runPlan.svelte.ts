/**
 * What the run that is being set up would take, asked anew shortly after each change. Where it does not fit, or hardly,
 * it is asked for settings that do, and chooses them over those of the draft.
 */
import { fitted } from '../../../src-shared/fit.ts';
import type { FitPart, FitResult } from '../../../src-shared/plan.ts';
import { api, type PlanView, type PreflightResult, type StartRun } from '../../lib/api.ts';
import { failureOf, type Failure } from '../../lib/stream.ts';
import { Action } from '../../lib/action.svelte.ts';
import { choiceOf, type FitChoice } from './fitChoice.ts';

/** No question while a slider moves. */
const PAUSE_MS = 250;

/** What is set up, where the choice is put. */
interface Planned {
  asked(): StartRun;
  draft: { byHand: FitPart[] };
  fit: { choice: FitChoice | undefined };
}

export class RunPlan {
  plan = $state.raw<PlanView | undefined>();
  failure = $state.raw<Failure | undefined>();
  /** The answer for what is chosen now is on its way. */
  waiting = $state(false);
  largest = $state.raw<PreflightResult['largest'] | undefined>();
  /** Asked for only where the run does not fit, or hardly; and whether the answer is on its way. */
  fit = $state.raw<FitResult | undefined>();
  looking = $state(false);
  measured = $state.raw<PreflightResult | undefined>();
  readonly measuring = new Action();
  #asked = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks about what is set up, after a pause, unless it is the question that was asked last. */
  ask(planned: Planned): void {
    const request = { ...planned.asked(), keep: [...planned.draft.byHand] };
    // Names and sample prompts change nothing about it.
    const text = JSON.stringify({ ...request, taskName: '', name: '', train: { ...request.train, samplePrompts: [] } });
    if (text === this.#asked) return;
    this.#asked = text;
    this.waiting = true;
    this.measured = undefined;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(planned, request, text), PAUSE_MS);
  }

  /** The next `ask` asks again, whatever it is about. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#asked = '';
  }

  measure(request: StartRun): Promise<void> {
    return this.measuring.run(() => api.runs.preflight.mutate(request)).then((result) => void (this.measured = result));
  }

  async #load(planned: Planned, request: FitRequest, text: string): Promise<void> {
    const isOutdated = (): boolean => text !== this.#asked;
    const { keep: _keep, ...run } = request;
    try {
      const found = await this.#estimate(run);
      if (isOutdated()) return;
      const isTight =
        found.failure !== undefined || (found.plan.verdict !== 'fits' && found.plan.verdict !== 'unknown');
      // While a choice stands, what it replaces is not shown in between.
      if (!isTight || !planned.fit.choice) this.#show(found);
      if (!isTight) planned.fit.choice = undefined;
      else await this.#choose(planned, request, found, isOutdated);
    } catch (error) {
      if (!isOutdated()) this.#fail(planned, failureOf(error));
    }
  }

  /** With the reason where the card cannot bind the run. */
  async #estimate(run: StartRun): Promise<Found> {
    try {
      return { plan: await api.plan.estimate.query(run) };
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code !== 'BUFFER_TOO_LARGE') throw error;
      return { failure };
    }
  }

  async #choose(planned: Planned, request: FitRequest, found: Found, isOutdated: () => boolean): Promise<void> {
    const { keep: _keep, ...run } = request;
    this.looking = true;
    const fit = await api.plan.fit.query(request);
    const choice = choiceOf(fit);
    const plan = choice && (await api.plan.estimate.query(fitted(run, choice.asked, choice.chosen)));
    if (isOutdated()) return;
    planned.fit.choice = choice;
    this.#show(plan ? { plan } : found);
    this.fit = fit;
    if (choice || !found.plan) return;
    const largest = await api.plan.largest.query(run);
    if (!isOutdated()) this.largest = largest;
  }

  #show({ plan, failure }: Found): void {
    if (plan) this.plan = plan;
    [this.failure, this.largest, this.fit] = [failure, undefined, undefined];
    [this.waiting, this.looking] = [false, false];
  }

  #fail(planned: Planned, failure: Failure): void {
    planned.fit.choice = undefined;
    this.#show({ failure });
  }
}

type FitRequest = StartRun & { keep: FitPart[] };
type Found = { plan: PlanView; failure?: undefined } | { plan?: undefined; failure: Failure };
