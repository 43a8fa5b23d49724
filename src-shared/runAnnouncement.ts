/** What to say when a run has ended, in a toast or a notification of the system. */
import { endNote } from './endNote.ts';
import type { ErrorData } from './errors.ts';
import { hashFor } from './routes.ts';
import type { TrainResult } from './training.ts';
import { VERDICTS, type RunVerdict } from './verdict.ts';

export interface Announcement {
  title: string;
  text: string;
  tone: 'good' | 'bad';
  /** The page with the details. */
  hash: string;
}

interface EndedRun {
  id: string;
  name: string;
  status: string;
  error: ErrorData | null;
  result: Pick<TrainResult, 'valLoss' | 'initialValLoss' | 'finalLoss' | 'unchanged' | 'steps'> | null;
}

/**
 * Undefined for a run that has not ended, or that the user has stopped. `verdict`: what its losses say; null where
 * there is too little to say anything.
 */
export function runAnnouncement(
  { id, name, status, error, result }: EndedRun,
  verdict: RunVerdict | null,
): Announcement | undefined {
  const hash = hashFor('runs', id);
  if (status === 'failed')
    return { title: `${name} failed`, text: error?.message ?? 'Open the run to see why.', tone: 'bad', hash };
  if (status !== 'completed') return undefined;
  if (verdict) {
    const isGood = verdict.kind === 'done' || verdict.kind === 'still improving';
    return {
      title: isGood ? `${name} is trained` : `${name} has ended`,
      text: VERDICTS[verdict.kind],
      tone: isGood ? 'good' : 'bad',
      hash,
    };
  }
  const note = result && endNote(result);
  if (note) return { title: `${name} has ended`, text: note, tone: 'bad', hash };
  return { title: `${name} is trained`, text: `Training is complete: ${lossOf(result)}.`, tone: 'good', hash };
}

function lossOf(result: EndedRun['result']): string {
  if (!result) return 'its losses are not known';
  return result.valLoss === null
    ? `loss ${result.finalLoss.toFixed(4)}`
    : `validation loss ${result.valLoss.toFixed(4)}`;
}
