/** A question to the lab: its answer at once where it is kept, else when the user asks, with progress and a way out. */
import { api, ALONE, type LabAnswers, type LabEvent, type LabLook } from '../lib/api.ts';
import { Action } from '../lib/action.svelte.ts';
import { failureOf, streamOptions, type Failure } from '../lib/stream.ts';

export interface LabPace {
  /** Others are before it. */
  waiting: boolean;
  done: number;
  total: number;
  leftMs: number | null;
}

export class Looking<T extends LabLook['tool']> {
  answer = $state.raw<LabAnswers[T] | undefined>();
  pace = $state.raw<LabPace | undefined>();
  failure = $state.raw<Failure | undefined>();
  /** Whether it is kept is not known yet. */
  opening = $state(true);
  readonly cancelling = new Action();
  #look: LabLook & { tool: T };
  #job: string | undefined;
  #end: (() => void) | undefined;
  #closed = false;

  constructor(look: LabLook & { tool: T }) {
    this.#look = look;
    void this.#open();
  }

  start(): void {
    this.#end?.();
    this.failure = undefined;
    this.pace = { waiting: true, done: 0, total: 1, leftMs: null };
    const over = (): void => {
      this.pace = undefined;
      this.#end = undefined;
    };
    const handlers = {
      data: (event: LabEvent<LabAnswers[LabLook['tool']]>) => {
        this.#job = event.job;
        if (event.type === 'done') this.answer = event.result as LabAnswers[T];
        else if (event.type !== 'failed') this.pace = paceOf(event);
      },
      failed: (_sentence: string, failure: Failure) => {
        this.failure = failure.code === 'CANCELLED' ? undefined : failure;
        over();
      },
      done: over,
    };
    const subscription = api.lab.look.subscribe(
      this.#look,
      streamOptions(handlers, () => this.#end?.()),
    );
    this.#end = () => subscription.unsubscribe();
  }

  async cancel(): Promise<void> {
    const job = this.#job;
    if (job !== undefined) await this.cancelling.run(() => api.lab.cancel.mutate({ job }));
  }

  /** The page goes away; what is computed goes on, and is there when it comes back. */
  close(): void {
    this.#closed = true;
    this.#end?.();
  }

  async #open(): Promise<void> {
    try {
      const kept = await api.lab.kept.query(this.#look, ALONE);
      if (!this.#closed && kept) this.answer = kept as LabAnswers[T];
    } catch (error) {
      this.failure = failureOf(error);
    } finally {
      this.opening = false;
    }
  }
}

export function paceOf(event: Extract<LabEvent<unknown>, { type: 'waiting' | 'progress' }>): LabPace {
  if (event.type === 'waiting') return { waiting: true, done: 0, total: 1, leftMs: null };
  const { done, total, leftMs } = event;
  return { waiting: false, done, total, leftMs };
}
