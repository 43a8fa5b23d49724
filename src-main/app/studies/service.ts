/** Studies as callers see them. Their runs are ordinary ones in the ordinary queue. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Study } from '../../catalog/studies.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { AwayService } from '../away/service.ts';
import { newId } from '../ids.ts';
import { buildSpec, checkStart, targetOf } from '../runs/input.ts';
import { isOther } from '../runs/recover.ts';
import type { RunParts, RunService } from '../runs/service.ts';
import { isOver } from '../runs/view.ts';
import { ensureTask } from '../tasks/ensureTask.ts';
import { prepareStudy, refuseInvalid, type StartStudyChecked, type StudyPreview } from './input.ts';
import { Pruning } from './pruning.ts';
import { studyView, type StudyView } from './view.ts';

export class StudyService {
  #parts: RunParts;
  #catalog: Catalog;
  #runs: RunService;
  #away: AwayService;
  #pruning: Pruning;
  #closed = false;

  constructor(parts: RunParts & { runs: RunService; away: AwayService }) {
    this.#parts = parts;
    this.#catalog = parts.catalog;
    this.#runs = parts.runs;
    this.#away = parts.away;
    this.#pruning = new Pruning(parts.catalog, parts.runs);
  }

  /** Newest first. */
  list(): StudyView[] {
    return this.#catalog.studies.list().map((study) => this.#view(study));
  }

  /** `baseline`: index of the variant to compare with, instead of the best. Throws a usage error STUDY_NOT_FOUND. */
  get(id: string, baseline?: number): StudyView {
    const study = this.#require(id);
    if (baseline !== undefined && !study.spec.variants[baseline])
      throw usageError(
        'STUDY_PLAN',
        `There is no variant ${baseline}; choose one from 0 to ${study.spec.variants.length - 1}.`,
        { baseline },
      );
    return this.#view(study, baseline);
  }

  /** The one that a run belongs to; null for a run by itself. */
  ofRun(runId: string): StudyView | null {
    const study = this.#catalog.studies.ofRun(runId);
    return study ? this.#view(study) : null;
  }

  /** What the study that `input` would start comes to; invalid variants are named, not refused. */
  async preview(input: StartStudyChecked): Promise<StudyPreview> {
    const { spec, invalid } = await prepareStudy(this.#parts, input);
    const { variants, notes, rungs, seeds } = spec;
    return { variants, invalid, notes, rungs, runs: variants.length * seeds.length };
  }

  /**
   * Checks every variant, then queues all runs, or none: seed by seed, so that each variant has a result early. Throws
   * a usage error STUDY_INVALID, and what a run's start throws.
   */
  async start(request: StartStudyChecked): Promise<StudyView> {
    const input = { ...request, base: this.#parts.settings.withMemoryLimit(request.base) };
    const target = targetOf(input);
    if (target !== undefined) this.#away.requireTarget(target);
    const prepared = await prepareStudy(this.#parts, input as StartStudyChecked);
    refuseInvalid(prepared, input.skipInvalid);
    const { spec, train } = prepared;
    const { variants, seeds, plan } = spec;
    const first = { ...input.base, method: variants[0]!.method, train: train[0]! };
    const { checked, parts } = await checkStart(this.#parts, first);
    const id = newId('study');
    const name = input.name ?? `${checked.taskName}: ${plan.kind}`;
    const taskId = ensureTask(this.#catalog, checked.taskName).id;
    const runs = seeds.flatMap((seed) =>
      variants.map(({ label, method }, variant) => {
        const settings = { ...checked, method, train: { ...train[variant]!, seed } };
        const runSpec = buildSpec(this.#parts.home, settings, parts);
        return {
          run: {
            name: `${name}, ${label}, seed ${seed}`.slice(0, 120),
            taskId,
            modelId: parts.model.id,
            datasetId: parts.dataset.id,
            spec: runSpec,
          },
          fill: () => this.#catalog.studies.addRun(id, { variant, seed, runId: runSpec.runId }),
        };
      }),
    );
    this.#catalog.transaction(() => {
      this.#catalog.studies.insert({ id, name, spec, createdAt: new Date().toISOString() });
      this.#runs.insertAll(runs, target);
    });
    this.#pruning.watch(this.#require(id));
    this.#runs.tellQueued(runs.map(({ run }) => run.spec.runId));
    return this.get(id);
  }

  /**
   * Goes on with what is left: runs that broke off, failed, were stopped, or wait for a Graft that is gone. Runs that
   * have ended well are not repeated. Throws a usage error STUDY_OVER, or STUDY_NOT_HERE while another Graft has it.
   */
  resume(id: string): StudyView {
    const study = this.#require(id);
    const left = this.#left(study);
    const elsewhere = left.find(({ ownerPid }) => ownerPid !== null && isOther(ownerPid));
    if (elsewhere)
      throw usageError(
        'STUDY_NOT_HERE',
        `The study ${id} belongs to another Graft process (${elsewhere.ownerPid}); go on with it there, or close ` +
          'that one first.',
        { studyId: id, pid: elsewhere.ownerPid },
      );
    if (left.length === 0)
      throw usageError('STUDY_OVER', `Every run of the study ${id} has ended; there is nothing left to do.`, {
        studyId: id,
      });
    this.#catalog.studies.setCancelled(id, null);
    for (const { id: runId, status, ownerPid } of left) {
      const isHere = ownerPid === process.pid && (status === 'queued' || status === 'running');
      const isAway = this.#away.isFollowed(runId);
      const waits = status === 'paused' && this.#pruning.waits(id, runId);
      if (!isHere && !waits && !isAway) this.#runs.restart(runId);
    }
    this.#away.begin();
    this.#pruning.watch(this.#require(id));
    return this.get(id);
  }

  /** Ends every run that has not ended; what they were trained to so far stays. */
  cancel(id: string): StudyView {
    const study = this.#require(id);
    this.#catalog.studies.setCancelled(id, new Date().toISOString());
    // The one under way last: its end starts the next.
    const open = this.#left(study).filter((run) => !isOver(run));
    for (const { id: runId } of open.sort((a, b) => Number(a.status === 'running') - Number(b.status === 'running')))
      this.#runs.stop(runId);
    return this.get(id);
  }

  /** With its runs; their adapters stay. Throws a usage error STUDY_NOT_OVER. */
  remove(id: string): void {
    const study = this.#view(this.#require(id));
    if (study.done < study.total)
      throw usageError('STUDY_NOT_OVER', `The study ${id} is still under way; cancel it before you remove it.`, {
        studyId: id,
      });
    for (const { runId, status } of study.variants.flatMap(({ runs }) => runs))
      if (status !== null) this.#runs.remove(runId);
    this.#catalog.studies.remove(id);
  }

  /** Resolves with the study when none of its runs is left to do. */
  finished(id: string): Promise<StudyView> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#closed) return;
        const study = this.get(id);
        if (study.done < study.total) return;
        end();
        resolve(study);
      };
      const end = this.#runs.subscribeAll((event) => {
        if (event.type !== 'progress') setImmediate(check);
      });
      check();
    });
  }

  /** At a start: studies that a dead Graft left go on, the run that was under way first. */
  begin(): void {
    for (const study of this.#catalog.studies.list()) {
      if (study.cancelledAt) continue;
      for (const run of this.#left(study)) if (run.error?.code === 'RUN_ABANDONED') this.#runs.restart(run.id, 'head');
      this.#pruning.watch(study);
    }
  }

  close(): void {
    this.#closed = true;
    this.#pruning.close();
  }

  /** Runs that are there, neither completed nor pruned. */
  #left({ id }: Study) {
    return this.#catalog.studies.runs(id).flatMap(({ runId, prunedStep }) => {
      const run = prunedStep === null ? this.#catalog.runs.get(runId) : undefined;
      return run && run.status !== 'completed' ? [run] : [];
    });
  }

  #view(study: Study, baseline?: number): StudyView {
    return studyView(this.#catalog, study, { baseline, progress: this.#runs.progress });
  }

  #require(id: string): Study {
    const study = this.#catalog.studies.get(id);
    if (study) return study;
    throw usageError('STUDY_NOT_FOUND', `There is no study ${id} in the catalogue.`, { studyId: id });
  }
}
