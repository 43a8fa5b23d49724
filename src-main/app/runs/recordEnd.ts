/** The row of a run that is over or paused, and the sentences about it for its log. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { endNote } from '../../../src-shared/endNote.ts';
import type { TrainResult } from '../../../src-shared/training.ts';
import { recordResult } from './recordResult.ts';

/** `end`: the worker's result, or what ended the run before it began. */
export function recordEnd(catalog: Catalog, run: Run, end: TrainResult | 'pause' | 'stop' | null): string[] {
  const free = { ownerPid: null, pid: null };
  if (end === 'stop' || end === null) {
    catalog.runs.update(run.id, { ...free, status: 'stopped', endedAt: new Date().toISOString() });
    return ['Stopped before training began.'];
  }
  if (end === 'pause') {
    catalog.runs.update(run.id, { ...free, status: 'paused' });
    return ['Paused before training began.'];
  }
  if (end.outcome === 'paused') {
    catalog.runs.update(run.id, { ...free, status: 'paused', interim: end });
    return [`Paused after step ${end.steps}; its memory is free again.`];
  }
  recordResult(catalog, run, { ...end, outcome: end.outcome });
  const how = end.outcome === 'stopped' ? 'Stopped' : 'Completed';
  const note = endNote(end);
  return [`${how} after step ${end.steps}; the result is in ${end.outDir}.`, ...(note ? [note] : [])];
}

/** Of a result that is no pause: all that the journal held is recorded with it. */
export function outcomeOf(end: TrainResult | 'pause' | 'stop' | null): 'completed' | 'stopped' | null {
  return end !== null && typeof end === 'object' && end.outcome !== 'paused' ? end.outcome : null;
}
