/** The rows of one step, each with its loss, and going back to before the step without some of them. */
import { api, type InspectedStep, type RunView } from '../../lib/api.ts';
import { failureOf, type Failure } from '../../lib/stream.ts';
import { Action } from '../../lib/action.svelte.ts';

export class StepInspection {
  readonly step: number;
  data = $state.raw<InspectedStep | undefined>();
  failure = $state.raw<Failure | undefined>();
  loading = $state(false);
  /** Lines of the rows to leave out. */
  chosen = $state.raw<number[]>([]);
  readonly rollingBack = new Action();
  /** Highest loss first. */
  readonly rows = $derived([...(this.data?.rows ?? [])].sort((a, b) => b.loss - a.loss));
  readonly highest = $derived(this.rows[0]?.loss ?? 1);
  readonly #id: string;
  #abort = new AbortController();

  constructor(id: string, step: number) {
    this.#id = id;
    this.step = step;
  }

  async load(): Promise<void> {
    this.loading = true;
    this.failure = undefined;
    const { signal } = this.#abort;
    try {
      this.data = await api.runs.inspectStep.query({ id: this.#id, step: this.step }, { signal });
    } catch (error) {
      if (!signal.aborted) this.failure = failureOf(error);
    } finally {
      this.loading = false;
    }
  }

  choose(line: number, on: boolean): void {
    this.chosen = on ? [...this.chosen, line] : this.chosen.filter((other) => other !== line);
  }

  /** The new run, or undefined when there is none (the reason is in `rollingBack`). */
  rollBack(): Promise<RunView | undefined> {
    return this.rollingBack.run(() =>
      api.runs.rollBack.mutate({ id: this.#id, beforeStep: this.step, excludeLines: this.chosen }),
    );
  }

  /** Ends the work, which may be long, when nobody looks any more. */
  close(): void {
    this.#abort.abort();
  }
}
