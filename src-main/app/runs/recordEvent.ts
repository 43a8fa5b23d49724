/** What the catalogue keeps of a run's events: metrics, evaluations, samples, and its log in plain sentences. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { readJournal } from '../../runfolder/journal.ts';
import { counted } from '../../../src-shared/plural.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';

/** The row of the run itself is not touched. */
export function recordEvent(catalog: Catalog, id: string, event: TrainEvent, atMs: number): void {
  recordValues(catalog, id, event);
  const message = logLine(event);
  if (message !== null) catalog.runHistory.putLine(id, { atMs, message });
}

/** What is measured: recording it twice changes nothing. */
function recordValues({ metrics, runHistory }: Catalog, id: string, event: TrainEvent): void {
  if (event.type === 'started') {
    metrics.dropAfter(id, event.resumedFrom);
    runHistory.dropSamplesAfter(id, event.resumedFrom);
  } else if (event.type === 'step') metrics.put(id, event);
  else if (event.type === 'eval') metrics.putEvaluation(id, event);
  else if (event.type === 'sample') runHistory.putSample(id, event);
}

/**
 * Metrics, evaluations and samples that the worker wrote into the run's folder, and nobody could record. Nothing that
 * is recorded is dropped: a full disk may have left holes in the journal.
 */
export function recordJournal(catalog: Catalog, run: Pick<Run, 'id' | 'spec'>): void {
  for (const event of readJournal(run.spec.runDir)) if (event.type !== 'started') recordValues(catalog, run.id, event);
}

export function logMessage({ runHistory }: Pick<Catalog, 'runHistory'>, id: string, message: string): void {
  runHistory.putLine(id, { atMs: Date.now(), message });
}

/** Null for events that are not worth a line. */
function logLine(event: TrainEvent): string | null {
  switch (event.type) {
    case 'started': {
      const from = event.resumedFrom > 0 ? `goes on after step ${event.resumedFrom}` : 'begins';
      return (
        `Training ${from} with the engine ${event.engine} on ${event.device}: ${counted(event.totalSteps, 'step')}, ` +
        `${counted(event.trainRows, 'row')} to train on and ${event.valRows} to validate.`
      );
    }
    case 'eval':
      return `Validation loss after step ${event.step}: ${event.valLoss.toFixed(4)}.`;
    case 'checkpoint':
      return `Checkpoint written after step ${event.step}.`;
    case 'log':
      return event.message;
    default:
      return null;
  }
}
