/** The search for a learning rate of the run that is being set up, and the short runs that prove it; one at a time. */
import { api, type RateCurve, type RateEvent, type RateGrid, type StartRun } from '../../lib/api.ts';
import { streamOptions, type Failure } from '../../lib/stream.ts';

/** Before this share of the work is done the time left would be a guess. */
const SHARE_FOR_PACE = 0.03;

export class RateSearch {
  curve = $state.raw<RateCurve | undefined>();
  grid = $state.raw<RateGrid | undefined>();
  /** What is under way. */
  busy = $state<'curve' | 'grid' | undefined>();
  done = $state(0);
  total = $state(0);
  /** Undefined until there is a pace. */
  leftMs = $state<number | undefined>();
  failure = $state.raw<Failure | undefined>();
  /** Asks again for what failed last. */
  retry: (run: StartRun) => void = (run) => this.find(run);
  /** What curve and grid are of. */
  #question = $state('');
  #startedMs = 0;
  #subscription: { unsubscribe: () => void } | undefined;

  find(run: StartRun): void {
    this.curve = undefined;
    this.grid = undefined;
    this.#question = questionOf(run);
    this.retry = (now) => this.find(now);
    this.#follow<RateCurve>(
      'curve',
      (options) => api.plan.findRate.subscribe({ run }, options),
      (curve) => {
        this.curve = curve;
      },
    );
  }

  /** Short runs at rates around one. */
  compare(run: StartRun, around: number): void {
    this.grid = undefined;
    this.retry = (now) => this.compare(now, around);
    this.#follow<RateGrid>(
      'grid',
      (options) => api.plan.compareRates.subscribe({ run, around }, options),
      (grid) => {
        this.grid = grid;
      },
    );
  }

  /** Whether settings have changed since that the answer depends on. */
  isOld(run: StartRun): boolean {
    return this.curve !== undefined && questionOf(run) !== this.#question;
  }

  cancel(): void {
    this.busy = undefined;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  #follow<T>(
    what: 'curve' | 'grid',
    subscribe: (options: ReturnType<typeof streamOptions<RateEvent<T>>>) => { unsubscribe: () => void },
    found: (result: T) => void,
  ): void {
    this.cancel();
    this.failure = undefined;
    this.busy = what;
    [this.done, this.total, this.leftMs] = [0, 0, undefined];
    const end = (): void => this.cancel();
    const data = (event: RateEvent<T>): void => {
      if (event.type === 'found') found(event.result);
      else this.#advance(event.done, event.total);
    };
    const failed = (_sentence: string, failure: Failure): void => {
      this.failure = failure;
      this.cancel();
    };
    this.#subscription = subscribe(streamOptions<RateEvent<T>>({ data, failed, done: end }, end));
  }

  #advance(done: number, total: number): void {
    if (this.done === 0) this.#startedMs = performance.now(); // not the time that reading model and rows took
    [this.done, this.total] = [done, total];
    if (done / total < SHARE_FOR_PACE || done < 2) return;
    this.leftMs = ((performance.now() - this.#startedMs) / (done - 1)) * (total - done);
  }
}

/** Names, length, samples and the rate itself change nothing about the answer. */
function questionOf({ train = {}, ...run }: StartRun): string {
  const { lr, steps, epochs, schedule, warmup, samplePrompts, evalEvery, ...rest } = train;
  void [lr, steps, epochs, schedule, warmup, samplePrompts, evalEvery];
  return JSON.stringify({ ...run, taskName: '', name: '', train: rest });
}
