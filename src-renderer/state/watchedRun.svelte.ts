/**
 * One run as its page shows it: the row and all recorded losses first, then live events.
 * A reload therefore loses nothing, and a run that ended long ago looks the same as one watched to its end.
 */
import { api, type RunEvent, type RunView, type StepMetrics } from '../api.ts';
import type { ValidationPoint } from '../charts/lossSeries.ts';
import { mergeSteps, timeLeft, upTo, validationPoint } from '../runSeries.ts';
import { errorSentence, streamOptions } from '../stream.ts';

export class WatchedRun {
  readonly id: string;
  run = $state.raw<RunView | undefined>();
  steps = $state.raw<StepMetrics[]>([]);
  validation = $state.raw<ValidationPoint[]>([]);
  /** Last line that the trainer logged. */
  log = $state<string | undefined>();
  error = $state<string | undefined>();
  readonly active = $derived(this.run !== undefined && ['queued', 'running', 'paused'].includes(this.run.status));
  readonly last = $derived(this.steps.at(-1));
  readonly totalSteps = $derived(this.run?.started?.totalSteps ?? this.run?.spec.train.steps ?? 0);
  readonly remainingMs = $derived(this.run?.status === 'running' ? timeLeft(this.steps, this.totalSteps) : undefined);
  #incoming: StepMetrics[] = [];
  #frame = 0;
  #unsubscribe: (() => void) | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** Reads what is recorded, and watches; events that come meanwhile are merged by their step. */
  async open(): Promise<void> {
    this.close();
    this.#watch();
    try {
      const [run, metrics] = await Promise.all([api.runs.get.query({ id: this.id }), api.runs.metrics.query({ id: this.id })]);
      this.run ??= run;
      this.steps = mergeSteps(metrics.steps, this.steps);
      this.validation = mergeSteps(metrics.evaluations.map(validationPoint), this.validation);
    } catch (error) {
      this.error = errorSentence(error);
    }
  }

  close(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #watch(): void {
    this.error = undefined;
    const end = () => this.close();
    const handlers = {
      data: (event: RunEvent) => this.#receive(event),
      failed: (sentence: string) => (this.error = sentence),
      done: () => this.#flush(),
    };
    const subscription = api.runs.watch.subscribe({ id: this.id }, streamOptions(handlers, end));
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  #receive(event: RunEvent): void {
    switch (event.type) {
      case 'status':
        this.run = event.run;
        return;
      case 'started':
        this.#flush();
        this.steps = upTo(this.steps, event.resumedFrom);
        this.validation = upTo(this.validation, event.resumedFrom);
        return;
      case 'step': {
        this.#incoming.push(event);
        this.#frame ||= requestAnimationFrame(() => this.#flush());
        return;
      }
      case 'eval':
        this.validation = mergeSteps(this.validation, [validationPoint(event)]);
        return;
      case 'log':
        this.log = event.message;
    }
  }

  /** At most one redraw per frame, however fast the steps come. */
  #flush(): void {
    this.#frame = 0;
    if (this.#incoming.length === 0) return;
    this.steps = mergeSteps(this.steps, this.#incoming);
    this.#incoming = [];
  }
}
