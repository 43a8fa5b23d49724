/** A suite with its comparison; a run of it that is under way, whoever has started it. */
import { api, ALONE, type SuiteComparison, type SuiteRunEvent } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';
import { Resource } from '../../lib/resource.svelte.ts';
import { failureOf, streamOptions, type Failure } from '../../lib/stream.ts';
import type { SuiteMetric } from '../../../src-shared/suiteMetrics.ts';

export interface Pace {
  /** Another suite is before it. */
  waiting: boolean;
  done: number;
  total: number;
  leftMs: number | null;
}

export class WatchedSuite {
  readonly parts = new Resource(async () => {
    const [suite, models, adapters, tasks] = await Promise.all([
      api.suites.get.query({ id: this.#id }),
      api.models.list.query(),
      api.adapters.list.query({}),
      api.tasks.list.query(),
    ]);
    return { suite, models, adapters: adapters.toReversed(), tasks };
  });
  comparison = $state.raw<SuiteComparison | undefined>();
  pace = $state.raw<Pace | undefined>();
  failure = $state.raw<Failure | undefined>();
  readonly acting = new Action();
  /** With whom the others are compared; undefined: the plain base, or the first that was measured. */
  first = $state<string | undefined>();
  rowMetric = $state<SuiteMetric | undefined>();
  clean = $state(false);
  readonly #id: string;
  #end: (() => void) | undefined;

  constructor(id: string) {
    this.#id = id;
  }

  async open(): Promise<void> {
    this.#watch(false);
    await this.read();
  }

  close(): void {
    this.#end?.();
    this.#end = undefined;
  }

  async read(): Promise<void> {
    await this.parts.load();
    await this.compare();
  }

  async compare(changes: { first?: string; rowMetric?: SuiteMetric; clean?: boolean } = {}): Promise<void> {
    Object.assign(this, changes);
    const { first, rowMetric, clean } = this;
    const results = this.parts.data?.suite.results ?? [];
    if (results.length === 0) return void (this.comparison = undefined);
    const bases = results.filter(({ adapterId }) => adapterId === null);
    const usual = [...bases, ...results.filter(({ adapterId }) => adapterId !== null)].map((one) => one.subjectId);
    const subjectIds = first === undefined ? usual : [first, ...usual.filter((id) => id !== first)];
    const input = { id: this.#id, subjectIds, clean, ...(rowMetric === undefined ? {} : { rowMetric }) };
    try {
      this.comparison = await api.suites.compare.query(input, ALONE);
      this.failure = undefined;
    } catch (error) {
      this.failure = failureOf(error);
    }
  }

  async run(subjects: { modelId: string; adapterId: string | null }[]): Promise<void> {
    this.failure = undefined;
    const started = await this.acting.run(() => api.suites.run.mutate({ id: this.#id, subjects }));
    if (started) this.#watch(true);
  }

  /** Has each new adapter of a task measured; null: of none. */
  async measureAfter(taskId: string | null): Promise<void> {
    await this.acting.run(() => api.suites.measureAfter.mutate({ id: this.#id, taskId }));
    await this.parts.load();
  }

  async cancel(): Promise<void> {
    await this.acting.run(() => api.suites.cancel.mutate({ id: this.#id }));
  }

  /** True once it is gone. */
  async remove(): Promise<boolean> {
    return (await this.acting.run(() => api.suites.remove.mutate({ id: this.#id }).then(() => true))) === true;
  }

  /** `isOurs`: what was asked for now; the failure of a run of before is of no interest any more. */
  #watch(isOurs: boolean): void {
    this.close();
    let sawWork = isOurs;
    if (isOurs) this.pace = { waiting: true, done: 0, total: 1, leftMs: null };
    const over = (): void => {
      this.pace = undefined;
      this.#end = undefined;
    };
    const handlers = {
      data: (event: SuiteRunEvent) => {
        if (event.type === 'done') {
          if (sawWork) void this.read();
          return;
        }
        sawWork = true;
        this.pace =
          event.type === 'waiting'
            ? { waiting: true, done: 0, total: 1, leftMs: null }
            : { waiting: false, done: event.done, total: event.total, leftMs: event.leftMs };
      },
      failed: (_sentence: string, failure: Failure) => {
        if (sawWork && failure.code !== 'CANCELLED') this.failure = failure;
        over();
      },
      done: over,
    };
    const subscription = api.suites.watch.subscribe(
      { id: this.#id },
      streamOptions(handlers, () => this.#end?.()),
    );
    this.#end = () => subscription.unsubscribe();
  }
}
