/**
 * Successive halving in the ordinary queue: a run pauses at its rung, and once all have come so far, the worse half of
 * the variants ends and the others go on. What was decided lies in the catalogue, so that it outlives the process.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import type { Study, StudyRun } from '../../catalog/studies.ts';
import { prunedAt } from '../../lab/study/halving.ts';
import { logMessage } from '../runs/recordEvent.ts';
import type { RunService } from '../runs/service.ts';
import { isOver } from '../runs/view.ts';

type Cell = StudyRun & { run: Run };

export class Pruning {
  #catalog: Catalog;
  #runs: RunService;
  #watched = new Map<string, () => void>();
  #closed = false;

  constructor(catalog: Catalog, runs: RunService) {
    this.#catalog = catalog;
    this.#runs = runs;
  }

  /** From now on the study's runs are paused at its rungs and judged there. */
  watch({ id, spec }: Study): void {
    if (spec.rungs.length === 0) return;
    for (const { runId } of this.#cells(id)) {
      if (this.#watched.has(runId)) continue;
      const end = this.#runs.subscribe(runId, (event) => {
        if (event.type === 'eval' && event.step === this.#rung(id)) this.#runs.pause(runId);
        if (event.type !== 'status') return;
        if (isOver(event.run)) this.#forget(runId);
        // The queue is in the middle of something when it tells.
        if (event.run.status === 'paused' || isOver(event.run)) setImmediate(() => this.judge(id));
      });
      this.#watched.set(runId, end);
    }
    this.judge(id);
  }

  close(): void {
    this.#closed = true;
    for (const runId of this.#watched.keys()) this.#forget(runId);
  }

  /** Whether a paused run waits for the others of its study. */
  waits(id: string, runId: string): boolean {
    const rung = this.#rung(id);
    return rung !== undefined && this.#lossAt(runId, rung) !== undefined;
  }

  /** Decides at the next rung, once every run has come there. */
  judge(id: string): void {
    if (this.#closed) return;
    const study = this.#catalog.studies.get(id);
    const rung = this.#rung(id);
    if (!study || study.cancelledAt || rung === undefined) return;
    const alive = [...Map.groupBy(this.#cells(id), ({ variant }) => variant).values()].filter((cells) =>
      cells.every(({ prunedStep }) => prunedStep === null),
    );
    const atRung = ({ run }: Cell): boolean =>
      isOver(run) || (run.status !== 'running' && this.#lossAt(run.id, rung) !== undefined);
    if (!alive.flat().every(atRung)) return;
    const losses = alive.map(
      (cells) => new Map(cells.flatMap(({ seed, runId }) => this.#lossOf(runId, rung).map((loss) => [seed, loss]))),
    );
    const pruned = prunedAt(losses, study.spec.seeds.length).flatMap((i) => alive[i]!);
    const ended = pruned.filter(({ run }) => run.status !== 'completed');
    this.#catalog.transaction(() => {
      for (const { runId } of ended) {
        this.#catalog.studies.prune(runId, rung);
        logMessage(this.#catalog, runId, pruneLine(rung, pruned.length / study.spec.seeds.length, alive.length));
      }
      this.#catalog.studies.setRungsDone(id, study.rungsDone + 1);
    });
    for (const { run } of ended) if (!isOver(run)) this.#runs.stop(run.id);
    // Each goes to the head of the queue, so the last one first.
    const onward = alive.flat().filter(({ run }) => run.status === 'paused' && !ended.some((cell) => cell.run === run));
    for (const { run } of onward.reverse()) this.#runs.continue(run.id);
    this.judge(id);
  }

  #rung(id: string): number | undefined {
    const study = this.#catalog.studies.get(id);
    return study?.spec.rungs[study.rungsDone];
  }

  #cells(id: string): Cell[] {
    return this.#catalog.studies.runs(id).flatMap((cell) => {
      const run = this.#catalog.runs.get(cell.runId);
      return run ? [{ ...cell, run }] : [];
    });
  }

  #lossAt(runId: string, step: number): number | undefined {
    return this.#catalog.metrics.evaluations(runId).find((evaluation) => evaluation.step === step)?.valLoss;
  }

  #lossOf(runId: string, step: number): number[] {
    const loss = this.#lossAt(runId, step);
    return loss === undefined ? [] : [loss];
  }

  #forget(runId: string): void {
    this.#watched.get(runId)?.();
    this.#watched.delete(runId);
  }
}

function pruneLine(rung: number, pruned: number, alive: number): string {
  return (
    `Ended by the study's halving: after step ${rung} its variant was among the ${pruned} of ${alive} with the ` +
    'highest validation loss.'
  );
}
