/** What the catalogue keeps of a run's events: metrics, evaluations, samples, and its log in plain sentences. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { readJournal, type JournalEntry } from '../../runfolder/journal.ts';
import { preferenceText } from '../../../src-shared/objectives.ts';
import { counted } from '../../../src-shared/plural.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';

/** The row of the run itself is not touched. */
export function recordEvent(catalog: Catalog, id: string, event: TrainEvent, atMs: number): void {
  recordValues(catalog, id, event, atMs);
  const message = logLine(event);
  if (message !== null) catalog.runHistory.putLine(id, { atMs, message });
}

/**
 * What a job tells of all that it did, some of which may be recorded already: its lines are known by their time.
 */
export function recordAgain(catalog: Catalog, id: string, events: { event: TrainEvent; atMs: number }[]): void {
  const lineOf = ({ atMs, message }: { atMs: number; message: string }): string => `${atMs} ${message}`;
  const known = new Set(catalog.runHistory.log(id, 0).map(lineOf));
  for (const { event, atMs } of events) {
    recordValues(catalog, id, event, atMs);
    const message = logLine(event);
    if (message !== null && !known.has(lineOf({ atMs, message }))) catalog.runHistory.putLine(id, { atMs, message });
  }
}

/** What is measured: recording it twice changes nothing. */
function recordValues({ metrics, runHistory }: Catalog, id: string, event: TrainEvent, atMs: number | null): void {
  if (event.type === 'started') {
    metrics.dropAfter(id, event.resumedFrom);
    runHistory.dropSamplesAfter(id, event.resumedFrom);
  } else if (event.type === 'step') metrics.put(id, event, atMs);
  else if (event.type === 'eval') metrics.putEvaluation(id, event);
  else if (event.type === 'sample') runHistory.putSample(id, event);
}

/**
 * What the worker wrote into the run's folder and nobody could record: metrics, evaluations, samples, lines of the log.
 * Nothing that is recorded is dropped: a full disk may have left holes in the journal.
 */
export function recordJournal(catalog: Catalog, { id, spec }: Pick<Run, 'id' | 'spec'>): void {
  const entries = readJournal(spec.runDir);
  for (const { atMs = null, ...event } of entries) if (event.type !== 'started') recordValues(catalog, id, event, atMs);
  recordLines(catalog, id, entries);
}

/** Lines are recorded in their order, so each is looked for behind the one before; those not found are added. */
function recordLines({ runHistory }: Catalog, id: string, entries: JournalEntry[]): void {
  const lines = entries.flatMap(({ atMs = Date.now(), ...event }) => {
    const message = logLine(event);
    return message === null ? [] : [{ atMs, message }];
  });
  if (lines.length === 0) return;
  const recorded = runHistory.messages(id);
  // The journal begins with the last start, whose line may stand there for earlier ones too.
  let next = Math.max(0, recorded.lastIndexOf(lines[0]!.message));
  for (const line of lines) {
    const found = recorded.indexOf(line.message, next);
    if (found >= 0) next = found + 1;
    else runHistory.putLine(id, line);
  }
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
      return (
        `Validation loss after step ${event.step}: ${event.valLoss.toFixed(4)}` +
        `${event.preference ? `, ${preferenceText(event.preference)}` : ''}.`
      );
    case 'checkpoint':
      return `Checkpoint written after step ${event.step}.`;
    case 'log':
      return event.message;
    default:
      return null;
  }
}
