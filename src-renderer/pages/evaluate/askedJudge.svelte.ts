/** A judge that is being asked, or its report; begun anew it replaces what was there. */
import { Action } from '../../lib/action.svelte.ts';
import { api } from '../../lib/api.ts';
import { streamOptions, type Failure } from '../../lib/stream.ts';
import type { JudgeReport, JudgeSuite } from '../../../src-shared/judge.ts';

type Event =
  { type: 'waiting' } | { type: 'progress'; done: number; total: number } | { type: 'done'; result: JudgeReport };

export class AskedJudge {
  report = $state.raw<JudgeReport | undefined>();
  pace = $state.raw<{ done: number; total: number } | undefined>();
  failure = $state.raw<Failure | undefined>();
  readonly acting = new Action();
  #job: string | undefined;
  #end: (() => void) | undefined;

  async ask(asked: JudgeSuite): Promise<void> {
    this.failure = undefined;
    const started = await this.acting.run(() => api.suites.judge.mutate(asked));
    if (!started) return;
    this.report = undefined;
    this.#job = started.job;
    this.pace = { done: 0, total: 1 };
    this.#watch(started.job);
  }

  async cancel(): Promise<void> {
    const id = this.#job;
    if (id !== undefined) await this.acting.run(() => api.suites.cancelJudge.mutate({ id }));
  }

  /** The judge goes on; nobody looks any more. */
  close(): void {
    this.#end?.();
    this.#end = undefined;
  }

  #watch(id: string): void {
    this.close();
    const over = (): void => {
      this.pace = undefined;
      this.#end = undefined;
    };
    const handlers = {
      data: (event: Event) => {
        if (event.type === 'done') this.report = event.result;
        else if (event.type === 'progress') this.pace = { done: event.done, total: event.total };
      },
      failed: (_sentence: string, failure: Failure) => {
        if (failure.code !== 'CANCELLED') this.failure = failure;
        over();
      },
      done: over,
    };
    const subscription = api.suites.watchJudge.subscribe(
      { id },
      streamOptions(handlers, () => this.#end?.()),
    );
    this.#end = () => subscription.unsubscribe();
  }
}
