/** A run of the catalogue as tracking tools are told of it. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { TrackedRun, TrackedStep } from '../../tracking/trackedRun.ts';
import { flatSettings } from '../../../src-shared/flatSettings.ts';
import type { RunView } from './view.ts';

/** Steps whose time is not known follow one another from the run's start, each as long as it took. */
export function trackedRun(catalog: Catalog, run: RunView): TrackedRun {
  const startedMs = Date.parse(run.startedAt ?? run.createdAt);
  const steps = trackedSteps(catalog, run.id, startedMs);
  const timeOf = new Map(steps.map(({ step, atMs }) => [step, atMs]));
  return {
    id: run.id,
    name: run.name,
    task: run.spec.task,
    status: run.status,
    tags: run.tags,
    notes: run.notes,
    startedMs,
    endedMs: run.endedAt === null ? null : Date.parse(run.endedAt),
    settings: {
      model: run.spec.model.dir,
      ...Object.fromEntries(flatSettings(run.spec)),
    },
    results: resultsOf(run),
    steps,
    evaluations: catalog.metrics
      .evaluations(run.id)
      .map((evaluation) => ({ ...evaluation, atMs: timeOf.get(evaluation.step) ?? startedMs })),
  };
}

function trackedSteps(catalog: Catalog, id: string, startedMs: number): TrackedStep[] {
  const { atMs } = catalog.metrics.series(id, 0, -1, Number.MAX_SAFE_INTEGER);
  let clock = startedMs;
  return catalog.metrics.after(id, 0).map((metrics, i) => {
    clock = atMs[i] || clock + metrics.elapsedMs;
    return { ...metrics, atMs: clock };
  });
}

function resultsOf({ result, trainingMs }: RunView): Record<string, number> {
  if (!result) return {};
  const values = {
    first_train_loss: result.firstLoss,
    final_train_loss: result.finalLoss,
    validation_loss: result.valLoss,
    best_validation_loss: result.best?.valLoss,
    best_step: result.best?.step,
    training_ms: trainingMs,
    tokens_per_second: result.tokensPerSecond,
    peak_memory_bytes: result.peakMemoryBytes,
    adapter_bytes: result.sizeBytes,
    trainable_parameters: result.trainableParameters,
    total_parameters: result.totalParameters,
  };
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
}
