/** Measures what a run has trained by the suites of its task, once no run is under way any more. */
import type { Catalog } from '../../catalog/catalog.ts';
import { toErrorData } from '../../../src-shared/errors.ts';
import { SUITE_METRICS } from '../../../src-shared/suiteMetrics.ts';
import { logMessage } from '../runs/recordEvent.ts';
import type { RunsEvent } from '../runs/channel.ts';
import type { RunService } from '../runs/service.ts';
import type { SuiteService } from './service.ts';

interface Waiting {
  suiteId: string;
  runId: string;
  adapterId: string;
}

interface Parts {
  catalog: Catalog;
  runs: Pick<RunService, 'subscribeAll' | 'takeTurn'>;
  suites: Pick<SuiteService, 'get' | 'run' | 'watch' | 'ended'>;
}

export class AfterRuns {
  readonly #parts: Parts;
  readonly #waiting: Waiting[] = [];
  #measuring = false;
  #end: (() => void) | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(): void {
    this.#end = this.#parts.runs.subscribeAll((event) => {
      if (event.type === 'run') this.#note(event);
      // The queue is in the middle of something when it tells.
      setImmediate(() => void this.#next());
    });
  }

  close(): void {
    this.#end?.();
    this.#waiting.length = 0;
  }

  /** Nothing is measured of a whole model, which has no adapter, and of a run that was stopped. */
  #note({ run }: Extract<RunsEvent, { type: 'run' }>): void {
    const { catalog } = this.#parts;
    if (run.status !== 'completed' || run.taskId === null) return;
    const suites = catalog.suites.list().filter(({ afterTaskId }) => afterTaskId === run.taskId);
    const adapter = suites.length > 0 ? catalog.adapters.list().find(({ runId }) => runId === run.id) : undefined;
    if (!adapter) return;
    for (const { id: suiteId } of suites) {
      const isKnown = (one: { adapterId: string | null }): boolean => one.adapterId === adapter.id;
      if (this.#waiting.some((one) => one.suiteId === suiteId && isKnown(one))) continue;
      if (catalog.suites.results(suiteId).some(isKnown)) continue;
      this.#waiting.push({ suiteId, runId: run.id, adapterId: adapter.id });
    }
  }

  /** Takes the place of a run, so that none begins beside it; tries again whenever a run changes. */
  async #next(): Promise<void> {
    if (this.#measuring || this.#waiting.length === 0) return;
    let giveBack: () => void;
    try {
      giveBack = this.#parts.runs.takeTurn();
    } catch {
      return;
    }
    this.#measuring = true;
    try {
      for (let one = this.#waiting.shift(); one; one = this.#waiting.shift()) await this.#measure(one);
    } finally {
      this.#measuring = false;
      giveBack();
    }
  }

  /** The base as well, where the suite has not measured it. What comes of it is told in the run's log. */
  async #measure({ suiteId, runId, adapterId }: Waiting): Promise<void> {
    const { catalog, suites } = this.#parts;
    try {
      await suites.ended(suiteId);
      const { name, spec, results } = suites.get(suiteId);
      const isBaseKnown = results.some((one) => one.adapterId === null);
      suites.run({
        id: suiteId,
        engine: 'auto',
        subjects: [...(isBaseKnown ? [] : [{ adapterId: null }]), { adapterId }],
      });
      const events = suites.watch(suiteId);
      while (!(await events.next()).done) continue;
      const scores = suites.get(suiteId).results.find((one) => one.adapterId === adapterId)?.scores;
      const said = spec.metrics.flatMap((metric) => {
        const { label, unit } = SUITE_METRICS[metric];
        return scores?.[metric] === undefined ? [] : [`${label} ${scores[metric].toFixed(unit === 'loss' ? 4 : 1)}`];
      });
      if (said.length > 0) logMessage(catalog, runId, `Measured by the suite ${name}: ${said.join(', ')}.`);
    } catch (error) {
      logMessage(catalog, runId, `Not measured by the suite ${suiteId}: ${toErrorData(error).message}`);
    }
  }
}
