/**
 * What the run that is being set up would take, asked anew shortly after each change; and what would fit where it does
 * not.
 */
import { api, type PlanView, type PreflightResult, type StartRun } from '../../lib/api.ts';
import { failureOf, type Failure } from '../../lib/stream.ts';
import { Action } from '../../lib/action.svelte.ts';

/** No question while a slider moves. */
const PAUSE_MS = 250;

export class RunPlan {
  plan = $state.raw<PlanView | undefined>();
  failure = $state.raw<Failure | undefined>();
  /** The answer for what is chosen now is on its way. */
  waiting = $state(false);
  largest = $state.raw<PreflightResult['largest'] | undefined>();
  measured = $state.raw<PreflightResult | undefined>();
  readonly measuring = new Action();
  #asked = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks about `request` after a pause, unless it is the question that was asked last. */
  ask(request: StartRun): void {
    // Names and sample prompts change nothing about it.
    const text = JSON.stringify({ ...request, taskName: '', name: '', train: { ...request.train, samplePrompts: [] } });
    if (text === this.#asked) return;
    this.#asked = text;
    this.waiting = true;
    this.measured = undefined;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(request, text), PAUSE_MS);
  }

  /** The next `ask` asks again, whatever it is about. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#asked = '';
  }

  measure(request: StartRun): Promise<void> {
    return this.measuring.run(() => api.runs.preflight.mutate(request)).then((result) => void (this.measured = result));
  }

  async #load(request: StartRun, text: string): Promise<void> {
    try {
      const plan = await api.plan.estimate.query(request);
      if (text !== this.#asked) return;
      [this.plan, this.failure, this.largest] = [plan, undefined, undefined];
      this.waiting = false;
      if (plan.verdict === 'fits' || plan.verdict === 'unknown') return;
      const largest = await api.plan.largest.query(request);
      if (text === this.#asked) this.largest = largest;
    } catch (error) {
      if (text !== this.#asked) return;
      [this.failure, this.waiting] = [failureOf(error), false];
    }
  }
}
