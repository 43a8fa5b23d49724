/** What was last heard of runs on targets and is not worth a row: it is asked again after a start. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import type { AwayView } from '../../../src-shared/away.ts';
import type { JobState } from '../../../src-shared/jobs.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { awayViewOf } from './view.ts';
import { isTimed, ProgressMeter, type RunProgress } from '../runs/progressMeter.ts';

export class Heard {
  #hosts = new Map<string, string>();
  #cutOff = new Set<string>();
  #starts = new Map<string, string>();
  #meters = new Map<string, ProgressMeter>();
  /** How far this process has told the events of each. */
  #toldBytes = new Map<string, number>();

  state(runId: string, state: JobState | null): void {
    if (state) this.#hosts.set(runId, state.host);
  }

  expectedStart(runId: string, startsAt: string | null): void {
    if (startsAt === null) this.#starts.delete(runId);
    else this.#starts.set(runId, startsAt);
  }

  /** Whether the run cannot be followed, or sent, for now. */
  cutOff(runId: string, isCutOff: boolean): void {
    if (isCutOff) this.#cutOff.add(runId);
    else this.#cutOff.delete(runId);
  }

  /** What there is to tell of the run's progress now. */
  event({ id, started, spec }: Run, event: TrainEvent): RunProgress | null {
    const nowMs = performance.now();
    const begins = event.type === 'started' ? event : this.#meters.has(id) ? null : started;
    if (begins) this.#meters.set(id, new ProgressMeter(id, begins.totalSteps, spec.train, nowMs));
    return isTimed(event) ? (this.#meters.get(id)?.push(event, nowMs) ?? null) : null;
  }

  toldBytes(runId: string): number | undefined {
    return this.#toldBytes.get(runId);
  }

  told(runId: string, bytes: number | undefined): void {
    if (bytes !== undefined) this.#toldBytes.set(runId, bytes);
  }

  /** Of the runs that are under way. */
  get progress(): RunProgress[] {
    return [...this.#meters.values()].flatMap(({ latest }) => latest ?? []);
  }

  forget(runId: string): void {
    this.#starts.delete(runId);
    this.#cutOff.delete(runId);
    this.#meters.delete(runId);
    this.#toldBytes.delete(runId);
  }

  /** Null for a run that is trained here. */
  view(catalog: Pick<Catalog, 'away' | 'targets'>, runId: string): AwayView | null {
    return awayViewOf(catalog, runId, {
      host: this.#hosts.get(runId) ?? null,
      startsAt: this.#starts.get(runId) ?? null,
      isCutOff: this.#cutOff.has(runId),
    });
  }
}
